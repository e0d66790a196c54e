"""Random feature maps and logits."""

import torch
from hypothesis import strategies as st

SMALL = st.integers(1, 5)
SHAPES = st.tuples(SMALL, SMALL, st.integers(2, 6))
"""(N, K, P)"""


def feature_map(*shape, seed=0, dtype=torch.float32):
    """Return a map as it is behind a ReLU: not negative, about half of it zero."""
    return normal(*shape, seed=seed, dtype=dtype).relu()


def normal(*shape, seed=0, dtype=torch.float32):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def permuted(channels, seed=0):
    return torch.randperm(channels, generator=torch.Generator().manual_seed(seed))
