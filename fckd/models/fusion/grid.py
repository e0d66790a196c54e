"""Feature maps of unlike networks as clips (N, C, T, H, W), and on one grid."""

import torch
from torch.nn import functional as F

GRAPH_AXES, CLIP_AXES = 4, 5


def as_clip(features: torch.Tensor) -> torch.Tensor:
    """Return a map (N, C, *grid) as (N, C, T, H, W).

    A series has one position in each step; of a graph's joints the mean is taken, for no place in
    an image belongs to them.
    """
    if features.ndim == CLIP_AXES:
        return features
    steps = features.mean(dim=3) if features.ndim == GRAPH_AXES else features
    return steps[..., None, None]


def on_one_grid(first: torch.Tensor, second: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return two clips (N, C, T, H, W) on the coarser grid of both.

    A map with a single position along an axis says the same everywhere along it.
    """
    pairs = zip(first.shape[2:], second.shape[2:], strict=True)
    time, height, width = (max(pair) if 1 in pair else min(pair) for pair in pairs)
    grid = (time, height, width)
    return F.adaptive_avg_pool3d(first, grid), F.adaptive_avg_pool3d(second, grid)


def as_map(clip: torch.Tensor) -> torch.Tensor:
    """Return a clip (N, C, T, H, W) as it is, or as a series (N, C, T) if it has no place."""
    return clip.flatten(start_dim=2) if clip.shape[3:] == (1, 1) else clip
