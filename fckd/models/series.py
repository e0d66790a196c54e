"""A body-worn sensor or a skeleton, read as one series of many channels."""

import torch
from torch import nn

from fckd.config.networks import Modality, NetworkSettings
from fckd.models.layers import Style, with_motion
from fckd.models.streams import SkeletonStream

QUANTITIES = 2
"""A sensor's acceleration and turning rate; a skeleton's coordinates and their change."""


class SeriesReader(nn.Sequential):
    """Normalised channels of (N, channels, T), or of a skeleton (N, coordinates, T, joints).

    Attributes:
        channels: Of the series (N, channels, T) that is returned.
    """

    def __init__(
        self, settings: NetworkSettings, input_shape: tuple[int, ...], style: Style
    ) -> None:
        channels = input_shape[0]
        layers: list[nn.Module] = []
        if settings.modality is Modality.SKELETON:
            joints = input_shape[2]
            channels = 2 * input_shape[0] * joints
            layers = [SkeletonStream(settings.stream, joints), SkeletonSeries()]
        super().__init__(*layers, style.input_normalization(channels, 1, QUANTITIES))
        self.channels = channels


class SkeletonSeries(nn.Module):
    """(N, coordinates, T, joints) -> (N, 2 x coordinates x joints, T): values, then motion."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return every joint's coordinates and their change as channels of one series."""
        series = x.transpose(2, 3).flatten(start_dim=1, end_dim=2)
        return with_motion(series)
