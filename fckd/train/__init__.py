"""The loop, in plain torch: a laptop runs it without Ray."""
