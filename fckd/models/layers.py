"""Layers that several networks share."""

from typing import Literal

import torch
from torch import nn

Normalization = Literal["batch", "group"]

MOST_GROUPS = 8
INPUT_GROUPS = 2


def normalization_layer(kind: Normalization, channels: int, axes: Literal[1, 2, 3]) -> nn.Module:
    """Return a normalisation of (N, channels, ...) with so many axes after the channels."""
    if kind == "group":
        return nn.GroupNorm(groups_for(channels), channels)
    return _batch_normalization(channels, axes)


def input_normalization(kind: Normalization, channels: int, axes: Literal[1, 3]) -> nn.Module:
    """Return the normalisation of what a network reads.

    The channels are two quantities of unlike size (acceleration and turning rate, values and
    their change), hence two groups: finer ones would wipe out the direction of gravity.
    """
    if kind == "group":
        return nn.GroupNorm(INPUT_GROUPS, channels)
    return _batch_normalization(channels, axes)


def groups_for(channels: int) -> int:
    """Return the largest number of groups, at most 8, that divides `channels`."""
    return next(groups for groups in range(MOST_GROUPS, 0, -1) if channels % groups == 0)


def with_motion(x: torch.Tensor) -> torch.Tensor:
    """Return (N, C, T, ...) with its change from step to step as C further channels.

    The first step's change is zero.
    """
    return torch.cat([x, torch.diff(x, dim=2, prepend=x[:, :, :1])], dim=1)


def _batch_normalization(channels: int, axes: Literal[1, 2, 3]) -> nn.Module:
    layers = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
    return layers[axes](channels)
