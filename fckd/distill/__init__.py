"""The method: pure functions on tensors, and thin modules around them."""
