"""R(2+1)D: residual networks whose convolutions are split into space and time.

After Tran et al., A Closer Look at Spatiotemporal Convolutions for Action Recognition (CVPR 2018).
At width 512 the body's weights have the names and shapes of torchvision's `r2plus1d_18`, so that
its published file can be loaded; hence names such as `layer1`.
"""

from collections import OrderedDict
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F

from fckd.config.networks import LAYERS, NetworkSettings
from fckd.models.layers import Style, style_of
from fckd.models.network import PooledNetwork
from fckd.models.pixels import KINETICS, standardized

BLOCKS = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3)}
STRIDES = (1, 2, 2, 2)
"""Of the stages, in time, height and width."""
PUBLISHED_BASE = 64
PUBLISHED_STEM = 45
"""Channels between the stem's two convolutions, at the published width."""


def r2plus1d_network(
    settings: NetworkSettings, input_shape: tuple[int, ...], classes: int
) -> PooledNetwork:
    """Return a network on (channels, T, H, W); features are (N, width, T/8, H/16, W/16)."""
    style = style_of(settings)
    layers = settings.layers or LAYERS[settings.network][0]
    width = settings.width
    base = max(1, width // 8)
    widths = (base, base, width // 4, width // 2, width)
    stages = OrderedDict(
        (f"layer{number}", _stage(channels, channels_out, blocks, stride, style))
        for number, ((channels, channels_out), blocks, stride) in enumerate(
            zip(pairwise(widths), BLOCKS[layers], STRIDES, strict=True), start=1
        )
    )
    body = nn.Sequential(
        OrderedDict(pixels=KineticsPixels(), stem=_stem(input_shape[0], base, style), **stages)
    )
    return PooledNetwork(body, width, classes, settings.dropout)


class KineticsPixels(nn.Module):
    """(N, C, T, H, W) in 0..1, standardised as for the published weights."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the same shape as `x`."""
        return standardized(x, KINETICS)


class Block(nn.Module):
    """Two split convolutions beside a shortcut."""

    def __init__(self, channels: int, width: int, stride: int, style: Style) -> None:
        super().__init__()
        # as many weights as an unsplit convolution would have; both take the first one's number
        between = (channels * width * 27) // (channels * 9 + 3 * width)
        self.conv1 = _split(channels, between, width, stride, style)
        self.conv2 = _split(width, between, width, 1, style)
        self.excitation = style.excite(width)
        self.downsample = style.shortcut(channels, width, (stride, stride, stride))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (N, width, T / stride, H / stride, W / stride) of `x` (N, channels, T, H, W)."""
        inner = self.conv2(F.relu(self.conv1(x)))
        return F.relu(self.excitation(inner) + self.downsample(x))


def _stem(channels: int, base: int, style: Style) -> nn.Sequential:
    between = max(1, PUBLISHED_STEM * base // PUBLISHED_BASE)
    return nn.Sequential(
        nn.Conv3d(channels, between, (1, 7, 7), (1, 2, 2), (0, 3, 3), bias=False),
        style.normalization(between, axes=3),
        nn.ReLU(),
        nn.Conv3d(between, base, (3, 1, 1), 1, (1, 0, 0), bias=False),
        style.normalization(base, axes=3),
        nn.ReLU(),
    )


def _stage(channels: int, width: int, blocks: int, stride: int, style: Style) -> nn.Sequential:
    first = Block(channels, width, stride, style)
    return nn.Sequential(first, *(Block(width, width, 1, style) for _ in range(blocks - 1)))


def _split(channels: int, between: int, width: int, stride: int, style: Style) -> nn.Sequential:
    within = nn.Conv3d(channels, between, (1, 3, 3), (1, stride, stride), (0, 1, 1), bias=False)
    across = nn.Conv3d(between, width, (3, 1, 1), (stride, 1, 1), (1, 0, 0), bias=False)
    return nn.Sequential(
        nn.Sequential(within, style.normalization(between, axes=3), nn.ReLU(), across),
        style.normalization(width, axes=3),
    )
