"""What every network promises, whatever it reads."""

from typing import NamedTuple

import torch
from torch import nn


class NetworkOutput(NamedTuple):
    """What a network says about N samples.

    Attributes:
        logits: (N, classes) float.
        features: (N, feature_channels, *grid) float, the last stage after its ReLU; the grid is
            (T',) of a series and (T', H', W') of a video.
    """

    logits: torch.Tensor
    features: torch.Tensor


class ActionNetwork(nn.Module):
    """A body that makes a feature map, and a linear head on the map's mean over all positions.

    Because the head is linear on the mean, its weights rank channels by their evidence for a
    class (class activation mapping).

    Args:
        body: (N, *input_shape) float -> (N, feature_channels, *grid) float, not negative.
        feature_channels: Channels of the feature map.
        classes: Number of actions.
        dropout: Share of the pooled features that training hides from the head.
    """

    def __init__(
        self, body: nn.Module, feature_channels: int, classes: int, dropout: float
    ) -> None:
        super().__init__()
        self.feature_channels = feature_channels
        self.body = body
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(feature_channels, classes)

    def forward(self, x: torch.Tensor) -> NetworkOutput:
        """Return logits and features of `x` (N, *input_shape) float."""
        features = self.body(x)
        pooled = features.flatten(start_dim=2).mean(dim=2)
        return NetworkOutput(self.head(self.dropout(pooled)), features)

    def __call__(self, x: torch.Tensor) -> NetworkOutput:
        """Return logits and features of `x`; typed, which `nn.Module` is not."""
        output: NetworkOutput = super().__call__(x)
        return output
