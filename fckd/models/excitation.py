"""Channel excitation (Hu et al., Squeeze-and-Excitation Networks, CVPR 2018)."""

import torch
from torch import nn
from torch.nn import functional as F

REDUCTION = 16
"""Of channels to hidden units, as published."""
LEAST_HIDDEN = 8
"""Fewer are easily all silent, and then nothing is learned."""


class Excitation(nn.Module):
    """Weighs each channel of a map by a share in 0..1 that the means of all channels decide."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        hidden = max(LEAST_HIDDEN, channels // REDUCTION)
        self.squeeze = nn.Linear(channels, hidden)
        self.expand = nn.Linear(hidden, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the same shape as `x` (N, channels, *grid) float."""
        means = x.flatten(start_dim=2).mean(dim=2)
        shares = torch.sigmoid(self.expand(F.relu(self.squeeze(means))))
        return x * shares.reshape(*shares.shape, *[1] * (x.ndim - 2))
