"""What every network promises, whatever it reads."""

from typing import NamedTuple

import torch
from torch import nn


class NetworkOutput(NamedTuple):
    """What a network says about N samples.

    Attributes:
        logits: (N, classes) float.
        features: (N, feature_channels, *grid) float. The last stage's map is never negative; its
            grid is (T',) of a series, (T', joints) of a graph and (T', H', W') of a video.
    """

    logits: torch.Tensor
    features: torch.Tensor


class ActionNetwork(nn.Module):
    """Any network that gives logits and a feature map.

    Attributes:
        feature_channels: Channels of the feature map.
    """

    feature_channels: int

    @property
    def class_weights(self) -> torch.Tensor | None:
        """The linear head's weight (classes, C), if it reads the feature map's means; else None."""
        return None

    def __call__(self, *inputs: torch.Tensor) -> NetworkOutput:
        """Return logits and features of what is read, a tensor for each modality.

        Typed, which `nn.Module` is not.
        """
        output: NetworkOutput = super().__call__(*inputs)
        return output


class PooledNetwork(ActionNetwork):
    """A body that makes a feature map, and a linear head on the map's mean over all positions.

    Because the head is linear on the mean, its weights rank channels by their evidence for a
    class (class activation mapping).

    Args:
        body: (N, *input_shape) float, one or more -> (N, feature_channels, *grid) float, not
            negative.
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

    @property
    def class_weights(self) -> torch.Tensor:
        """The head's weight (classes, feature_channels)."""
        return self.head.weight

    def forward(self, *inputs: torch.Tensor) -> NetworkOutput:
        """Return logits and features of `inputs`, each (N, *input_shape) float."""
        features = self.body(*inputs)
        pooled = features.flatten(start_dim=2).mean(dim=2)
        return NetworkOutput(self.head(self.dropout(pooled)), features)
