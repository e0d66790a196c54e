"""A three-dimensional network over heatmaps of joints.

After Duan et al., Revisiting Skeleton-based Action Recognition (PoseConv3D, CVPR 2022): a narrow,
shallow SlowOnly network that keeps every frame, and looks across frames in its later stages only.
"""

from collections import OrderedDict
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F

from fckd.config.networks import NetworkSettings
from fckd.config.skeletons import layout_of
from fckd.models.heatmaps import JointHeatmaps
from fckd.models.layers import Style, style_of
from fckd.models.network import PooledNetwork

STEM_KERNEL = 7
BLOCKS = (4, 6, 3)
TIME_KERNELS = (1, 3, 3)
NARROWING = 4
"""Of a block's inner width against its output."""


def heatmap3d_network(
    settings: NetworkSettings, input_shape: tuple[int, ...], classes: int
) -> PooledNetwork:
    """Return a network on (coordinates, T, joints); features are (N, width, T, size/8, size/8).

    The published width is 512, for heatmaps of 56 pixels.

    Raises:
        UserError: No layout of so many joints is known.
    """
    layout, bodies = layout_of(input_shape[2])
    style = style_of(settings)
    width = settings.width
    stem = max(1, width // 16)
    widths = (stem, width // 4, width // 2, width)
    stages = (
        _stage(channels, width_of_stage, blocks, kernel, style)
        for (channels, width_of_stage), blocks, kernel in zip(
            pairwise(widths), BLOCKS, TIME_KERNELS, strict=True
        )
    )
    body = nn.Sequential(
        OrderedDict(
            heatmaps=JointHeatmaps(bodies, settings.size),
            stem=_stem(len(layout.joints), stem, style),
            stages=nn.Sequential(*stages),
        )
    )
    return PooledNetwork(body, settings.width, classes, settings.dropout)


def _stem(joints: int, width: int, style: Style) -> nn.Sequential:
    around = (0, STEM_KERNEL // 2, STEM_KERNEL // 2)
    kernel = (1, STEM_KERNEL, STEM_KERNEL)
    return nn.Sequential(
        nn.Conv3d(joints, width, kernel, 1, around, bias=False),
        style.normalization(width, axes=3),
        nn.ReLU(),
    )


def _stage(channels: int, width: int, blocks: int, time_kernel: int, style: Style) -> nn.Sequential:
    first = HeatmapBlock(channels, width, 2, time_kernel, style)
    rest = (HeatmapBlock(width, width, 1, time_kernel, style) for _ in range(blocks - 1))
    return nn.Sequential(first, *rest)


class HeatmapBlock(nn.Module):
    """A bottleneck beside a shortcut: across frames, then within each, then all channels."""

    def __init__(
        self, channels: int, width: int, stride: int, time_kernel: int, style: Style
    ) -> None:
        super().__init__()
        inner = max(1, width // NARROWING)
        before = (time_kernel // 2, 0, 0)
        strides = (1, stride, stride)
        self.across = nn.Conv3d(channels, inner, (time_kernel, 1, 1), 1, before, bias=False)
        self.across_normalization = style.normalization(inner, axes=3)
        self.within = nn.Conv3d(inner, inner, (1, 3, 3), strides, (0, 1, 1), bias=False)
        self.within_normalization = style.normalization(inner, axes=3)
        self.widen = nn.Conv3d(inner, width, 1, bias=False)
        self.widen_normalization = style.normalization(width, axes=3)
        self.excitation = style.excite(width)
        self.shortcut = style.shortcut(channels, width, strides)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (N, width, T, H / stride, W / stride) of `x` (N, channels, T, H, W)."""
        inner = F.relu(self.across_normalization(self.across(x)))
        inner = F.relu(self.within_normalization(self.within(inner)))
        inner = self.widen_normalization(self.widen(inner))
        return F.relu(self.excitation(inner) + self.shortcut(x))
