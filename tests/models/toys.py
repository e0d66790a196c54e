"""Every network at toy size: what it reads, and the grid of its feature map."""

from dataclasses import dataclass, field

import torch

from fckd.config.networks import READS, Modality, NetworkSettings
from fckd.models.network import ActionNetwork
from fckd.models.table import build_network

CLASSES = 5
WIDTH = 32

SHAPES = {
    Modality.INERTIAL: (6, 12),
    Modality.SKELETON: (3, 12, 20),
    Modality.DEPTH: (1, 8, 32, 32),
    Modality.RGB: (3, 8, 32, 32),
    Modality.INFRARED: (1, 8, 32, 32),
    Modality.FLOW: (2, 8, 32, 32),
}

GRIDS = {
    "temporal": (3,),
    "tcn": (12,),
    "transformer": (12,),
    "graph": (3, 20),
    "heatmap3d": (12, 2, 2),
    "video": (8, 4, 4),
    "r2plus1d": (1, 2, 2),
    "tsm": (8, 1, 1),
    "x3d": (8, 1, 1),
}


@dataclass(frozen=True)
class Toy:
    """A small network, and readings that fit it."""

    network: str
    modality: Modality
    changes: dict = field(default_factory=dict)

    def __str__(self) -> str:
        return "-".join([self.network, self.modality, *map(str, self.changes.values())])

    @property
    def shape(self):
        shape = SHAPES[self.modality]
        return (shape[0], self.changes.get("frames", shape[1]), *shape[2:])

    def settings(self, **changes) -> NetworkSettings:
        base = {"width": WIDTH, "size": 16, **self.changes}
        return NetworkSettings(modality=self.modality, network=self.network, **(base | changes))

    def build(self, **changes) -> ActionNetwork:
        return build_network(self.settings(**changes), self.shape, CLASSES)

    def readings(self, samples=4):
        drawn = torch.rand if len(self.shape) == 4 else torch.randn
        return drawn(samples, *self.shape)


ALL = [Toy(network, modality) for network, read in READS.items() for modality in read]
"""Every network with everything that it reads."""

EACH = [
    Toy("temporal", Modality.INERTIAL),
    Toy("temporal", Modality.SKELETON),
    Toy("tcn", Modality.SKELETON),
    Toy("transformer", Modality.INERTIAL),
    Toy("graph", Modality.SKELETON),
    Toy("heatmap3d", Modality.SKELETON),
    Toy("video", Modality.DEPTH),
    Toy("r2plus1d", Modality.RGB),
    Toy("r2plus1d", Modality.FLOW, {"layers": 34}),
    Toy("tsm", Modality.RGB),
    Toy("tsm", Modality.DEPTH, {"layers": 50, "width": 64}),
    Toy("x3d", Modality.INFRARED),
]
"""Every network in each of its depths at least once, for what takes time."""
