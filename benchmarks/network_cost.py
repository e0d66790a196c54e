"""What every network is and costs: parameters, feature grid, seconds of a training step.

    python -m benchmarks.network_cost [--network NAME] [--batch 8] [--steps 5] [--json FILE]
    python -m benchmarks.network_cost --compiled [...]

Each network at width 64 on the first modality that it reads; one CPU thread, median of the steps
after the first. With `--compiled` also how many times as fast a step is by `torch.compile`, the two
taking turns: that needs a C++ compiler, and minutes.
"""

import statistics
import time
from collections.abc import Callable
from typing import Any

import torch
from torch.nn import functional as F

from benchmarks.results import parser, tell
from fckd.config.networks import READS, Modality, NetworkSettings
from fckd.data.readings import reading_shape
from fckd.models.table import build_network

CLASSES = 27
PUBLISHED = {"graph": 256, "heatmap3d": 512, "r2plus1d": 512, "tsm": 512, "x3d": 192}
"""Widths at which a network is that of its paper (tsm: on ResNet-18; 2048 with 50 layers)."""
JOINTS = 20
HEAD = ("network", "reads", "grid of the map", "parameters, width 64", "published", "ms a step")


def main() -> None:
    """Print a table of all networks."""
    options = parser(__doc__)
    options.add_argument("--network", choices=READS, help="this one only")
    options.add_argument("--batch", type=int, default=8)
    options.add_argument("--steps", type=int, default=5)
    options.add_argument("--compiled", action="store_true", help="and as torch.compile makes it")
    given = options.parse_args()
    torch.set_num_threads(1)
    head = (*HEAD, "times as fast compiled") if given.compiled else HEAD
    rows = [
        _row(name, reads, given.batch, given.steps, compiled=given.compiled)
        for name, reads in READS.items()
        if given.network in (None, name)
    ]
    tell(head, rows, given.json)


def _row(
    name: str, modalities: tuple[Modality, ...], batch: int, steps: int, *, compiled: bool
) -> tuple[str | int, ...]:
    settings = NetworkSettings(modality=modalities[0], network=name, width=64, frames=16)
    shape = reading_shape(settings, JOINTS)
    torch.manual_seed(0)
    network = build_network(settings, shape, CLASSES)
    read = torch.randn(batch, *shape)
    grid, seconds = _timed(network, read, steps)
    published = "–"
    if name in PUBLISHED:
        whole = settings.model_copy(update={"width": PUBLISHED[name]})
        with torch.device("meta"):
            count = _parameters(build_network(whole, shape, CLASSES))
        published = f"{count / 1e6:.2f} M at width {PUBLISHED[name]}"
    reads = " or ".join(modalities)
    size = f"{_parameters(network) / 1e3:.0f} k"
    row = f"`{name}`", reads, "×".join(map(str, grid)), size, published, round(1e3 * seconds)
    return (*row, _gain_of_compiling(network, read, steps)) if compiled else row


def _timed(
    network: torch.nn.Module, read: torch.Tensor, steps: int
) -> tuple[tuple[int, ...], float]:
    grid: tuple[int, ...] = ()
    times = []
    for _ in range(steps + 1):
        grid, seconds = _step(network, read)
        times.append(seconds)
    return grid, statistics.median(times[1:])


def _gain_of_compiling(network: torch.nn.Module, read: torch.Tensor, steps: int) -> str:
    torch.compiler.reset()
    compiled = torch.compile(network, dynamic=False)
    _step(compiled, read)
    ratios = [_step(network, read)[1] / _step(compiled, read)[1] for _ in range(steps)]
    return f"{statistics.median(ratios):.2f}"


def _step(network: Callable[..., Any], read: torch.Tensor) -> tuple[tuple[int, ...], float]:
    labels = torch.zeros(len(read), dtype=torch.int64)
    begun = time.perf_counter()
    logits, features = network(read)
    F.cross_entropy(logits, labels).backward()
    return tuple(features.shape[2:]), time.perf_counter() - begun


def _parameters(network: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


if __name__ == "__main__":
    main()
