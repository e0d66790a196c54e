"""Layers that several networks share."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import nn

from fckd.config.networks import NetworkSettings
from fckd.models.excitation import Excitation

MOST_GROUPS = 8

Axes = Literal[1, 2, 3]


@dataclass(frozen=True)
class Style:
    """What all stages of a network have in common: how they are normalised, whether excited."""

    by_group: bool
    excitation: bool

    def normalization(self, channels: int, axes: Axes) -> nn.Module:
        """Return a normalisation of (N, channels, ...) with so many axes after the channels."""
        if self.by_group:
            return nn.GroupNorm(groups_for(channels), channels)
        return _batch_normalization(channels, axes)

    def input_normalization(self, channels: int, axes: Axes, quantities: int) -> nn.Module:
        """Return the normalisation of what a network reads.

        The channels are so many quantities of unlike size (acceleration and turning rate, values
        and their change), hence as many groups: finer ones would wipe out the direction of
        gravity.
        """
        if self.by_group:
            return nn.GroupNorm(quantities, channels)
        return _batch_normalization(channels, axes)

    def excite(self, channels: int) -> nn.Module:
        """Return what weighs a stage's channels, or nothing if they are not to be excited."""
        return Excitation(channels) if self.excitation else nn.Identity()

    def shortcut(
        self, channels: int, width: int, strides: tuple[int, int] | tuple[int, int, int]
    ) -> nn.Module:
        """Return the way past a stage: nothing, or a normalised 1x1 convolution if shapes differ.

        Args:
            channels: Of what the stage reads.
            width: Channels of what it makes.
            strides: Of it along each of the two or three axes after the channels.
        """
        if channels == width and set(strides) == {1}:
            return nn.Identity()
        if len(strides) == 2:
            convolution: nn.Module = nn.Conv2d(channels, width, 1, strides, bias=False)
            return nn.Sequential(convolution, self.normalization(width, axes=2))
        convolution = nn.Conv3d(channels, width, 1, strides, bias=False)
        return nn.Sequential(convolution, self.normalization(width, axes=3))


def style_of(settings: NetworkSettings) -> Style:
    """Return the style that the settings ask for."""
    return Style(settings.normalization == "group", settings.excitation)


def groups_for(channels: int) -> int:
    """Return the largest number of groups, at most 8, that divides `channels`."""
    return next(groups for groups in range(MOST_GROUPS, 0, -1) if channels % groups == 0)


def motion_of(x: torch.Tensor) -> torch.Tensor:
    """Return the change of (N, C, T, ...) from step to step; the first step's is zero."""
    return torch.diff(x, dim=2, prepend=x[:, :, :1])


def with_motion(x: torch.Tensor) -> torch.Tensor:
    """Return (N, C, T, ...) with its change from step to step as C further channels."""
    return torch.cat([x, motion_of(x)], dim=1)


def _batch_normalization(channels: int, axes: Axes) -> nn.Module:
    layers = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
    return layers[axes](channels)
