"""Random feature maps, and the published formulas written out plainly."""

import torch
from hypothesis import strategies as st

SMALL = st.integers(1, 5)
SHAPES = st.tuples(SMALL, SMALL, st.integers(2, 6))
"""(N, K, P)"""


def feature_map(*shape, seed=0, dtype=torch.float32):
    """Return a map as it is behind a ReLU: not negative, about half of it zero."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(*shape, generator=generator, dtype=dtype).relu()


def normal(*shape, seed=0, dtype=torch.float32):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def permuted(channels, seed=0):
    return torch.randperm(channels, generator=torch.Generator().manual_seed(seed))


def ickd(student, teacher):
    """ICKD on (N, C, P), sample by sample and row by row, with the reduction 1 / (N·C)."""
    samples, channels, _ = student.shape
    distance = 0.0
    for s, t in zip(student, teacher, strict=True):
        for c in range(channels):
            rows = [f @ f[c] for f in (s, t)]
            s_row, t_row = (row / row.norm().clamp_min(1e-12) for row in rows)
            distance += float((s_row - t_row).square().sum())
    return distance / (samples * channels)


def cwd(student, teacher, temperature):
    """CWD on (N, C, P), channel by channel, with the reduction τ² / (N·C)."""
    samples, channels, _ = student.shape
    divergence = 0.0
    for s, t in zip(student.flatten(0, 1), teacher.flatten(0, 1), strict=True):
        wanted, given = (t / temperature).softmax(0), (s / temperature).softmax(0)
        divergence += float((wanted * (wanted / given).log()).sum())
    return temperature**2 * divergence / (samples * channels)
