"""One modality's share of a fusion."""

import torch
from torch import nn
from torch.nn import functional as F

from fckd.config.fusion import FusionSettings
from fckd.config.networks import NetworkSettings
from fckd.models.fusion.grid import as_clip
from fckd.models.layers import Style
from fckd.models.table import NETWORKS

ANY_CLASSES = 1
"""Of a network whose head is left away."""


class Part(nn.Module):
    """A network without its head, and the map onto the channels of the fusion.

    Args:
        settings: Of the network.
        input_shape: What it reads, without the batch.
        width: Channels of the fusion.
        style: Of the fusion.
    """

    def __init__(
        self, settings: NetworkSettings, input_shape: tuple[int, ...], width: int, style: Style
    ) -> None:
        super().__init__()
        network = NETWORKS[settings.network](settings, input_shape, ANY_CLASSES)
        self.body = network.body
        self.projection = Projection(network.feature_channels, width, style)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (N, width, T, H, W) of `x` (N, *input_shape) float, not negative."""
        projected: torch.Tensor = self.projection(as_clip(self.body(x)))
        return projected


class Projection(nn.Module):
    """(N, channels, T, H, W) -> (N, width, T, H, W), normalised and rectified."""

    def __init__(self, channels: int, width: int, style: Style) -> None:
        super().__init__()
        self.convolution = nn.Conv3d(channels, width, 1, bias=False)
        self.normalization = style.normalization(width, axes=3)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the projection of `x`."""
        return F.relu(self.normalization(self.convolution(x)))


def style_of_fusion(settings: FusionSettings) -> Style:
    """Return the style of the layers that join the parts."""
    return Style(settings.normalization == "group", excitation=False)


def parts_of(settings: FusionSettings, input_shapes: tuple[tuple[int, ...], ...]) -> nn.ModuleList:
    """Return a part for each modality, in the order in which they are read."""
    style = style_of_fusion(settings)
    shaped = zip(settings.inputs, input_shapes, strict=True)
    return nn.ModuleList(Part(part, shape, settings.width, style) for part, shape in shaped)
