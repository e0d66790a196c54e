"""Every fusion at toy size, with each kind of map that a part may make."""

from dataclasses import dataclass

from fckd.config.fusion import FusionSettings
from fckd.models.fusion.table import build_any_network
from tests.models.toys import CLASSES, Toy

WIDTH = 16


@dataclass(frozen=True)
class ToyFusion:
    """A small fusion, and readings that fit it; `parts` in the order in which they are read."""

    fusion: str
    parts: tuple[Toy, Toy]
    grid: tuple[int, ...]

    def __str__(self) -> str:
        return "-".join([self.fusion, *(part.network for part in self.parts)])

    def settings(self, **changes) -> FusionSettings:
        parts = {f"part-{number}": part.settings() for number, part in enumerate(self.parts)}
        base = {"fusion": self.fusion, "parts": parts, "width": WIDTH}
        return FusionSettings(**base | changes)

    def build(self, **changes):
        shapes = tuple(part.shape for part in self.parts)
        return build_any_network(self.settings(**changes), shapes, CLASSES)

    def readings(self, samples=4):
        return tuple(part.readings(samples) for part in self.parts)


SKELETON, GRAPH = Toy("temporal", "skeleton"), Toy("graph", "skeleton")
HEATMAPS, WRIST = Toy("heatmap3d", "skeleton"), Toy("tcn", "inertial")
DEPTH, RGB = Toy("video", "depth"), Toy("tsm", "rgb")
FRAME = Toy("video", "depth", {"frames": 1})
COLOUR_FRAME = Toy("r2plus1d", "rgb", {"frames": 1})

EACH = [
    ToyFusion("frame", (SKELETON, FRAME), (3,)),
    ToyFusion("frame", (GRAPH, COLOUR_FRAME), (3,)),
    ToyFusion("frame", (HEATMAPS, FRAME), (12, 2, 2)),
    ToyFusion("shift", (SKELETON, DEPTH), (3, 4, 4)),
    ToyFusion("shift", (WRIST, SKELETON), (3,)),
    ToyFusion("shift", (DEPTH, RGB), (8, 4, 4)),
    ToyFusion("non_local", (GRAPH, DEPTH), (3, 4, 4)),
    ToyFusion("non_local", (WRIST, SKELETON), (3,)),
    ToyFusion("non_local", (HEATMAPS, DEPTH), (8, 2, 2)),
]
"""Every fusion with a series, a graph, heatmaps and videos among its parts."""
