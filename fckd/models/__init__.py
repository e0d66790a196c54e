"""Networks that name an action: one per kind of input, all with the same two outputs."""
