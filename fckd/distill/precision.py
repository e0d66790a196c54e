"""Losses are computed in float32 or wider, whatever the features' precision."""

from torch import Tensor

FLOAT32_BYTES = 4


def at_least_float32(values: Tensor) -> Tensor:
    """Return `values`, widened to float32 if they are float16 or bfloat16."""
    return values.float() if values.element_size() < FLOAT32_BYTES else values
