"""A network that asks the allocator for more than there is when many samples come at a time."""

import torch
from torch import nn

from fckd.models.network import NetworkOutput, PooledNetwork

MORE_THAN_THERE_IS = 2**55


class Hungry(PooledNetwork):
    """As `PooledNetwork`, but a batch of more than `most` samples finds no memory in training."""

    def __init__(self, channels: int, classes: int, most: int) -> None:
        body = nn.Sequential(nn.Conv3d(channels, 8, 3, 2, 1), nn.ReLU())
        super().__init__(body, 8, classes, dropout=0.0)
        self.most = most

    def forward(self, *inputs: torch.Tensor) -> NetworkOutput:
        """Return logits and features of `inputs`."""
        if self.training and len(inputs[0]) > self.most:
            torch.empty(MORE_THAN_THERE_IS, dtype=torch.uint8)
        return super().forward(*inputs)


def network(input_shape: tuple[int, ...], classes: int, most: int) -> Hungry:
    """Return a small video network."""
    return Hungry(input_shape[0], classes, most)
