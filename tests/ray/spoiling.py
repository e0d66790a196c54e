"""A network whose first training anywhere spoils its process for every later one."""

from pathlib import Path

import torch
from torch import nn

from fckd.models.network import NetworkOutput, PooledNetwork
from fckd.train.graphs import CaptureError

spoilt = False


class Spoiling(PooledNetwork):
    """As `PooledNetwork`, but refuses to be captured where `mark` does not exist yet."""

    def __init__(self, channels: int, classes: int, mark: str) -> None:
        body = nn.Sequential(nn.Conv3d(channels, 8, 3, 2, 1), nn.ReLU())
        super().__init__(body, 8, classes, dropout=0.0)
        self.mark = Path(mark)

    def forward(self, *inputs: torch.Tensor) -> NetworkOutput:
        """Return logits and features of `inputs`."""
        global spoilt
        if self.training and not self.mark.exists():
            self.mark.touch()
            spoilt = True
            raise CaptureError("a step of this training cannot be captured")
        if spoilt:
            raise RuntimeError("trained in a process that is spoilt")
        return super().forward(*inputs)


def network(input_shape: tuple[int, ...], classes: int, mark: str) -> Spoiling:
    """Return a small video network."""
    return Spoiling(input_shape[0], classes, mark)
