"""Temporal convolutions over series: body-worn sensors and skeletons."""

import torch
from torch import nn
from torch.nn import functional as F

from fckd.config.networks import NetworkSettings
from fckd.models.layers import (
    Normalization,
    input_normalization,
    normalization_layer,
    with_motion,
)
from fckd.models.network import ActionNetwork

KERNEL = 5
STRIDES = (2, 2, 1)


def temporal_network(
    settings: NetworkSettings, input_shape: tuple[int, ...], classes: int
) -> ActionNetwork:
    """Return a network on (channels, T), or on (coordinates, T, joints), a skeleton."""
    skeleton = len(input_shape) == 3
    channels = 2 * input_shape[0] * input_shape[2] if skeleton else input_shape[0]
    reader = SkeletonSeries() if skeleton else nn.Identity()
    body = nn.Sequential(reader, TemporalStages(channels, settings.width, settings.normalization))
    return ActionNetwork(body, settings.width, classes, settings.dropout)


class SkeletonSeries(nn.Module):
    """(N, coordinates, T, joints) -> (N, 2 x coordinates x joints, T): positions, then motion."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return every joint's coordinates and their change as channels of one series."""
        series = x.transpose(2, 3).flatten(start_dim=1, end_dim=2)
        return with_motion(series)


class TemporalStages(nn.Sequential):
    """(N, channels, T) -> (N, width, T/4): normalised input, then three residual stages."""

    def __init__(self, channels: int, width: int, kind: Normalization) -> None:
        read = (channels, width, width)
        super().__init__(
            input_normalization(kind, channels, axes=1),
            *(
                TemporalStage(channels_in, width, stride, kind)
                for channels_in, stride in zip(read, STRIDES, strict=True)
            ),
        )


class TemporalStage(nn.Module):
    """Two convolutions in time beside a shortcut: a 1x1 convolution where shapes differ."""

    def __init__(self, channels: int, width: int, stride: int, kind: Normalization) -> None:
        super().__init__()
        around = KERNEL // 2
        self.first = nn.Conv1d(channels, width, KERNEL, stride, around, bias=False)
        self.first_normalization = normalization_layer(kind, width, axes=1)
        self.second = nn.Conv1d(width, width, KERNEL, 1, around, bias=False)
        self.second_normalization = normalization_layer(kind, width, axes=1)
        self.shortcut = (
            nn.Identity()
            if channels == width and stride == 1
            else nn.Conv1d(channels, width, 1, stride, bias=False)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (N, width, ceil(T / stride)) of `x` (N, channels, T)."""
        inner = F.relu(self.first_normalization(self.first(x)))
        return F.relu(self.second_normalization(self.second(inner)) + self.shortcut(x))
