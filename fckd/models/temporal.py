"""Temporal convolutions over series: body-worn sensors and skeletons."""

from collections import OrderedDict

import torch
from torch import nn
from torch.nn import functional as F

from fckd.config.networks import NetworkSettings
from fckd.models.layers import Style, style_of
from fckd.models.network import PooledNetwork
from fckd.models.series import SeriesReader

KERNEL = 5
STRIDES = (2, 2, 1)


def temporal_network(
    settings: NetworkSettings, input_shape: tuple[int, ...], classes: int
) -> PooledNetwork:
    """Return a network on (channels, T), or on (coordinates, T, joints), a skeleton.

    Features are (N, width, T/4).
    """
    style = style_of(settings)
    reader = SeriesReader(settings, input_shape, style)
    read = (reader.channels, settings.width, settings.width)
    stages = nn.Sequential(
        *(
            TemporalStage(channels, settings.width, style, stride=stride)
            for channels, stride in zip(read, STRIDES, strict=True)
        )
    )
    body = nn.Sequential(OrderedDict(reader=reader, stages=stages))
    return PooledNetwork(body, settings.width, classes, settings.dropout)


class TemporalStage(nn.Module):
    """Two convolutions in time beside a shortcut: a 1x1 convolution where shapes differ."""

    def __init__(
        self, channels: int, width: int, style: Style, *, stride: int = 1, dilation: int = 1
    ) -> None:
        super().__init__()
        around = dilation * (KERNEL // 2)
        self.first = nn.Conv1d(channels, width, KERNEL, stride, around, dilation, bias=False)
        self.first_normalization = style.normalization(width, axes=1)
        self.second = nn.Conv1d(width, width, KERNEL, 1, around, dilation, bias=False)
        self.second_normalization = style.normalization(width, axes=1)
        self.shortcut = (
            nn.Identity()
            if channels == width and stride == 1
            else nn.Conv1d(channels, width, 1, stride, bias=False)
        )
        self.excitation = style.excite(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (N, width, ceil(T / stride)) of `x` (N, channels, T)."""
        inner = F.relu(self.first_normalization(self.first(x)))
        inner = self.second_normalization(self.second(inner))
        return F.relu(self.excitation(inner) + self.shortcut(x))
