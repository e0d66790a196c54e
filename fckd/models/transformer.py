"""A small transformer encoder over series (Vaswani et al., Attention Is All You Need, 2017)."""

import math
from collections import OrderedDict

import torch
from torch import nn
from torch.nn import functional as F

from fckd.config.networks import NetworkSettings
from fckd.models.layers import style_of
from fckd.models.network import PooledNetwork
from fckd.models.series import SeriesReader

STAGES = 3
MOST_HEADS = 4
WIDENING = 2
"""Of a stage's hidden layer against its width."""
KERNEL = 3
LONGEST_PERIOD = 10_000.0
"""Of the position codes, in time steps over 2 pi, as published."""


def transformer_network(
    settings: NetworkSettings, input_shape: tuple[int, ...], classes: int
) -> PooledNetwork:
    """Return a network on (channels, T), or on (coordinates, T, joints), a skeleton.

    Features are (N, width, T). Dropout is also inside the stages.
    """
    reader = SeriesReader(settings, input_shape, style_of(settings))
    stages = (EncoderStage(settings.width, settings.dropout) for _ in range(STAGES))
    body = nn.Sequential(
        OrderedDict(
            reader=reader,
            embedding=StepEmbedding(reader.channels, settings.width),
            stages=nn.Sequential(*stages),
            output=RectifiedOutput(settings.width),
        )
    )
    return PooledNetwork(body, settings.width, classes, settings.dropout)


class StepEmbedding(nn.Module):
    """(N, channels, T) -> (N, width, T): each step with its neighbours, and its position."""

    def __init__(self, channels: int, width: int) -> None:
        super().__init__()
        self.convolution = nn.Conv1d(channels, width, KERNEL, padding=KERNEL // 2)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the embedding of `x` (N, channels, T) float."""
        embedded: torch.Tensor = self.convolution(x)
        return embedded + position_codes(embedded)


class EncoderStage(nn.Module):
    """Attention among all steps, then two linear layers in each: (N, width, T) as it was."""

    def __init__(self, width: int, dropout: float) -> None:
        super().__init__()
        heads = next(heads for heads in range(MOST_HEADS, 0, -1) if width % heads == 0)
        self.layer = nn.TransformerEncoderLayer(
            width, heads, WIDENING * width, dropout, batch_first=True, norm_first=True
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the same shape as `x` (N, width, T) float."""
        attended: torch.Tensor = self.layer(x.transpose(1, 2))
        return attended.transpose(1, 2)


class RectifiedOutput(nn.Module):
    """Normalised steps without their negative part, as every network hands out its features."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.normalization = nn.LayerNorm(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the same shape as `x` (N, width, T) float."""
        return F.relu(self.normalization(x.transpose(1, 2))).transpose(1, 2)


def position_codes(x: torch.Tensor) -> torch.Tensor:
    """Return (width, T): sines, then cosines of the time step, for `x` (N, width, T).

    They are computed in float32: bfloat16 tells few steps of a long clip apart.
    """
    _, width, time = x.shape
    waves = math.ceil(width / 2)
    rates = LONGEST_PERIOD ** (-torch.arange(waves, device=x.device) / waves)
    angles = rates[:, None] * torch.arange(time, device=x.device)
    return torch.cat([angles.sin(), angles.cos()])[:width].to(x.dtype)
