"""X3D: inverted bottlenecks with channel-wise convolutions in space and time.

After Feichtenhofer, X3D: Expanding Architectures for Efficient Video Recognition (CVPR 2020), of
the depth of its sizes S and M. Theirs has two more layers between the last stage and the classes;
here the head reads the last stage itself, as in every network.
"""

from collections import OrderedDict
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F

from fckd.config.networks import NetworkSettings
from fckd.models.excitation import Excitation
from fckd.models.layers import Style, style_of
from fckd.models.network import PooledNetwork
from fckd.models.pixels import KINETICS, standardized

BLOCKS = (3, 5, 11, 7)
WIDENING = 2.25
"""Of a block's inner width against its output."""
STEM_TIME_KERNEL = 5


def x3d_network(
    settings: NetworkSettings, input_shape: tuple[int, ...], classes: int
) -> PooledNetwork:
    """Return a network on (channels, T, H, W); features are (N, width, T, H/32, W/32).

    The published width is 192. Every second block is excited, or every one if the settings say so.
    """
    style = style_of(settings)
    width = settings.width
    base = max(1, width // 8)
    widths = (base, base, width // 4, width // 2, width)
    stages = (
        _stage(channels, channels_out, blocks, style)
        for (channels, channels_out), blocks in zip(pairwise(widths), BLOCKS, strict=True)
    )
    body = nn.Sequential(
        OrderedDict(stem=Stem(input_shape[0], base, style), stages=nn.Sequential(*stages))
    )
    return PooledNetwork(body, width, classes, settings.dropout)


class Stem(nn.Module):
    """A convolution within each frame, then one across the frames of each channel."""

    def __init__(self, channels: int, width: int, style: Style) -> None:
        super().__init__()
        self.within = nn.Conv3d(channels, width, (1, 3, 3), (1, 2, 2), (0, 1, 1), bias=False)
        kernel, around = (STEM_TIME_KERNEL, 1, 1), (STEM_TIME_KERNEL // 2, 0, 0)
        self.across = nn.Conv3d(width, width, kernel, 1, around, groups=width, bias=False)
        self.normalization = style.normalization(width, axes=3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (N, width, T, H/2, W/2) of `x` (N, C, T, H, W) float in 0..1."""
        convolved = self.across(self.within(standardized(x, KINETICS)))
        return F.relu(self.normalization(convolved))


def _stage(channels: int, width: int, blocks: int, style: Style) -> nn.Sequential:
    first = Block(channels, width, 2, style, excited=True)
    rest = (
        Block(width, width, 1, style, excited=style.excitation or number % 2 == 0)
        for number in range(1, blocks)
    )
    return nn.Sequential(first, *rest)


class Block(nn.Module):
    """Wider inside than outside: expand, convolve each channel, narrow; beside a shortcut."""

    def __init__(
        self, channels: int, width: int, stride: int, style: Style, *, excited: bool
    ) -> None:
        super().__init__()
        inner = int(WIDENING * width)
        strides = (1, stride, stride)
        self.expand = nn.Conv3d(channels, inner, 1, bias=False)
        self.expand_normalization = style.normalization(inner, axes=3)
        self.channelwise = nn.Conv3d(inner, inner, 3, strides, 1, groups=inner, bias=False)
        self.channelwise_normalization = style.normalization(inner, axes=3)
        self.excitation = Excitation(inner) if excited else nn.Identity()
        self.narrow = nn.Conv3d(inner, width, 1, bias=False)
        self.narrow_normalization = style.normalization(width, axes=3)
        self.shortcut = style.shortcut(channels, width, strides)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (N, width, T, H / stride, W / stride) of `x` (N, channels, T, H, W)."""
        inner = F.relu(self.expand_normalization(self.expand(x)))
        inner = self.channelwise_normalization(self.channelwise(inner))
        inner = F.silu(self.excitation(inner))
        return F.relu(self.narrow_normalization(self.narrow(inner)) + self.shortcut(x))
