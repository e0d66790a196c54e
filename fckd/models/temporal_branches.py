"""Branches of unlike reach in time over (N, C, T, joints), as in ST-GCN++ (Duan et al., 2022)."""

import torch
from torch import nn

from fckd.models.layers import Style

KERNEL = 3
DILATIONS = (1, 2, 3, 4)
BRANCHES = len(DILATIONS) + 2
"""Dilated convolutions, the largest of three steps, and the step alone."""


class TemporalBranches(nn.Module):
    """(N, width, T, joints) -> (N, width, ceil(T / stride), joints), not rectified.

    The branches share the channels evenly; what is left over goes to the first.
    """

    def __init__(self, width: int, stride: int, style: Style) -> None:
        super().__init__()
        share = max(1, width // BRANCHES)
        first = max(1, width - (BRANCHES - 1) * share)
        shares = (first, *[share] * (len(DILATIONS) - 1))
        self.branches = nn.ModuleList(
            _dilated(width, channels, stride, dilation, style)
            for channels, dilation in zip(shares, DILATIONS, strict=True)
        )
        self.branches.append(_largest(width, share, stride, style))
        self.branches.append(nn.Conv2d(width, share, 1, (stride, 1), bias=False))
        joined = first + (BRANCHES - 1) * share
        self.mix = nn.Sequential(
            style.normalization(joined, axes=2),
            nn.ReLU(),
            nn.Conv2d(joined, width, 1, bias=False),
            style.normalization(width, axes=2),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the branches of `x` (N, width, T, joints) float, mixed."""
        joined = torch.cat([branch(x) for branch in self.branches], dim=1)
        mixed: torch.Tensor = self.mix(joined)
        return mixed


def _dilated(width: int, channels: int, stride: int, dilation: int, style: Style) -> nn.Module:
    around = dilation * (KERNEL // 2)
    return nn.Sequential(
        *_entrance(width, channels, style),
        nn.Conv2d(
            channels, channels, (KERNEL, 1), (stride, 1), (around, 0), (dilation, 1), bias=False
        ),
    )


def _largest(width: int, channels: int, stride: int, style: Style) -> nn.Module:
    pooling = nn.MaxPool2d((KERNEL, 1), (stride, 1), (KERNEL // 2, 0))
    return nn.Sequential(*_entrance(width, channels, style), pooling)


def _entrance(width: int, channels: int, style: Style) -> tuple[nn.Module, ...]:
    convolution = nn.Conv2d(width, channels, 1, bias=False)
    return convolution, style.normalization(channels, axes=2), nn.ReLU()
