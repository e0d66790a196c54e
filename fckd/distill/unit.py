"""Vectors of length 1, also where there is nothing to normalise."""

import torch
from torch import Tensor


def unit(values: Tensor, dim: int) -> Tensor:
    """Return `values` divided by their L2 norm along `dim`; zeros stay zeros.

    A vector of zeros has no direction. `F.normalize` divides it by 1e-12 and hands back a gradient
    that much larger; here it gets none.

    Args:
        values: Any shape, float32 or wider.
        dim: The axis of the vectors.

    Returns:
        The same shape.
    """
    length: Tensor = torch.linalg.vector_norm(values, dim=dim, keepdim=True)
    return values / length.masked_fill(length == 0, torch.inf)
