"""Graph convolutions over a skeleton's joints, convolutions over time.

After Duan et al., PYSKL: Towards Good Practices for Skeleton Action Recognition (2022), ST-GCN++:
a learned residual on the skeleton's own graph, and branches of unlike reach in time.
"""

from collections import OrderedDict
from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F

from fckd.config.networks import NetworkSettings
from fckd.config.skeletons import SkeletonLayout, layout_of
from fckd.models.adjacency import PARTITIONS, partitioned_adjacency
from fckd.models.layers import Style, style_of
from fckd.models.network import PooledNetwork
from fckd.models.streams import SkeletonStream
from fckd.models.temporal_branches import TemporalBranches

STAGES = ((4, 4), (2, 3), (1, 3))
"""(width's divisor, number of stages); a narrower network is as deep as the published one."""


def graph_network(
    settings: NetworkSettings, input_shape: tuple[int, ...], classes: int
) -> PooledNetwork:
    """Return a network on (coordinates, T, joints); features are (N, width, T/4, joints).

    The joints of two bodies stand side by side in the map; nothing passes between them but by the
    head's mean.

    Raises:
        UserError: No layout of so many joints is known.
    """
    coordinates, _, joints = input_shape
    layout, _ = layout_of(joints)
    style = style_of(settings)
    body = nn.Sequential(
        OrderedDict(
            stream=SkeletonStream(settings.stream, joints),
            normalization=JointNormalization(coordinates * joints, style),
            stages=_stages(coordinates, settings.width, layout, style),
        )
    )
    return PooledNetwork(body, settings.width, classes, settings.dropout)


def _stages(channels: int, width: int, layout: SkeletonLayout, style: Style) -> nn.Sequential:
    widths = [width // divisor for divisor, number in STAGES for _ in range(number)]
    stages: list[nn.Module] = []
    for channels_in, channels_out in pairwise([channels, *widths]):
        # time is halved where the network widens, but not where it begins
        stride = 2 if stages and channels_in != channels_out else 1
        stages.append(GraphStage(channels_in, channels_out, stride, layout, style))
    return nn.Sequential(*stages)


class JointNormalization(nn.Module):
    """Normalises every coordinate of every joint by itself, over time and samples."""

    def __init__(self, channels: int, style: Style) -> None:
        super().__init__()
        self.layer = style.input_normalization(channels, axes=1, quantities=1)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the same shape as `x` (N, coordinates, T, joints) float."""
        _, coordinates, _, joints = x.shape
        series = x.transpose(2, 3).flatten(start_dim=1, end_dim=2)
        normalized: torch.Tensor = self.layer(series)
        return torch.unflatten(normalized, 1, (coordinates, joints)).transpose(2, 3)


class GraphStage(nn.Module):
    """A convolution over the graph and one over time, beside a shortcut."""

    def __init__(
        self, channels: int, width: int, stride: int, layout: SkeletonLayout, style: Style
    ) -> None:
        super().__init__()
        self.graph = GraphConvolution(channels, width, layout, style)
        self.time = TemporalBranches(width, stride, style)
        self.shortcut = style.shortcut(channels, width, (stride, 1))
        self.excitation = style.excite(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (N, width, ceil(T / stride), joints) of `x` (N, channels, T, joints)."""
        return F.relu(self.excitation(self.time(self.graph(x))) + self.shortcut(x))


class GraphConvolution(nn.Module):
    """Each joint takes of its neighbours, by its own weights for each partition of the graph."""

    adjacency: torch.Tensor

    def __init__(self, channels: int, width: int, layout: SkeletonLayout, style: Style) -> None:
        super().__init__()
        self.register_buffer("adjacency", partitioned_adjacency(layout))
        # from zero, so that weight decay draws it towards the skeleton itself
        self.learned = nn.Parameter(torch.zeros_like(self.adjacency))
        self.convolution = nn.Conv2d(channels, PARTITIONS * width, 1, bias=False)
        self.normalization = style.normalization(width, axes=2)
        self.shortcut = style.shortcut(channels, width, (1, 1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (N, width, T, joints) of `x` (N, channels, T, joints), of one or more bodies."""
        parts = self.convolution(x).unflatten(1, (PARTITIONS, -1))
        bodies = parts.unflatten(4, (-1, self.adjacency.shape[1]))
        graph = self.adjacency + self.learned
        mixed = torch.einsum("nkctbv,kvw->nctbw", bodies, graph).flatten(start_dim=3)
        return F.relu(self.normalization(mixed) + self.shortcut(x))
