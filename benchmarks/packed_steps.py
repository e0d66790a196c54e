"""Students stepped together, parameters stacked, against one after another.

    python -m benchmarks.packed_steps [--json FILE]

The UTD-MHAD inertial student (batches of 32, cross-entropy, AdamW), on one CPU thread, CPU time;
both ways take turns. On a GPU, by wall time, the UTD-MHAD depth student too (batches of 16), each
way launched kernel by kernel and as one CUDA graph. `times faster` is against one student after
another; on a GPU with each step in a graph, as fckd does it.
"""

import copy
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state
from torch.nn import functional as F

from benchmarks.results import median_and_range, parser, tell
from fckd.config.networks import Modality, NetworkSettings
from fckd.models.table import build_network

CLASSES, ROUNDS, REPLAYS = 27, 7, 20
STUDENTS = (2, 4, 8, 16)
INERTIAL = NetworkSettings(modality=Modality.INERTIAL, network="temporal", width=64, frames=96)
DEPTH = NetworkSettings(modality=Modality.DEPTH, network="video", width=96, frames=8, size=32)
KINDS: dict[str, tuple[NetworkSettings, tuple[int, ...]]] = {
    "inertial": (INERTIAL, (32, 6, 96)),
    "depth": (DEPTH, (16, 1, 8, 32, 32)),
}
"""Settings, and the shape of a batch."""
HEAD = ("student", "students", "together", "times faster", "range")

Step = Callable[[], None]


def main() -> None:
    """Measure packs of every size and print a table."""
    given = parser(__doc__).parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    tell(HEAD, on_gpu() if torch.cuda.is_available() else on_cpu(), given.json)


def on_cpu() -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a CPU."""
    for count in STUDENTS[:3]:
        networks, read, labels = _made("inertial", count, torch.device("cpu"))
        ways = {"": _single(networks, read, labels), "stacked": _stacked(networks, read, labels)}
        yield from _rows("inertial", count, ways, time.process_time)


def on_gpu() -> Iterator[tuple[Any, ...]]:
    """Yield the rows of a GPU."""
    for kind in KINDS:
        for count in STUDENTS:
            networks, read, labels = _made(kind, count, torch.device("cuda"))
            apart = _single(networks, read, labels)
            ways = {
                "": captured(_single(copy.deepcopy(networks), read, labels)),
                "launched apart": _often(apart),
                "on a stream each, one graph": captured(
                    _streams(copy.deepcopy(networks), read, labels)
                ),
            }
            if kind == "inertial":  # vmap knows no channels-last layout, which images have
                stacked = [_stacked(copy.deepcopy(networks), read, labels) for _ in range(2)]
                ways["stacked, launched apart"] = _often(stacked[0])
                ways["stacked, one graph"] = captured(stacked[1])
            yield from _rows(kind, count, ways, time.perf_counter)


def _rows(
    kind: str, count: int, ways: dict[str, Step], clock: Callable[[], float]
) -> Iterator[tuple[Any, ...]]:
    spent: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(ROUNDS):
        for way, step in ways.items():
            begun = clock()
            step()
            spent[way].append(clock() - begun)
    for way in ways:
        if way:
            ratios = [one / two for one, two in zip(spent[""], spent[way], strict=True)][1:]
            yield (kind, count, way, *median_and_range(ratios))


def _made(kind: str, count: int, device: torch.device) -> tuple[list[nn.Module], Tensor, Tensor]:
    settings, shape = KINDS[kind]
    networks = [
        build_network(settings, shape[1:], CLASSES).train().to(device) for _ in range(count)
    ]
    labels = torch.randint(CLASSES, shape[:1], device=device)
    return list(networks), torch.randn(shape, device=device), labels


def _optimizer(parameters: Any, device: torch.device) -> torch.optim.Optimizer:
    on_gpu = device.type == "cuda"
    return torch.optim.AdamW(parameters, fused=True, capturable=on_gpu)


def _single(networks: list[nn.Module], read: Tensor, labels: Tensor) -> Step:
    steps = [_one(network, read, labels) for network in networks]

    def step() -> None:
        for one in steps:
            one()

    return step


def _one(network: nn.Module, read: Tensor, labels: Tensor) -> Step:
    optimizer = _optimizer(network.parameters(), read.device)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        F.cross_entropy(network(read).logits, labels).backward()
        optimizer.step()

    return step


def _streams(networks: list[nn.Module], read: Tensor, labels: Tensor) -> Step:
    """Each student on a stream of its own, which a graph keeps as a branch of its own."""
    steps = [_one(network, read, labels) for network in networks]
    streams = [torch.cuda.Stream() for _ in networks]

    def step() -> None:
        main = torch.cuda.current_stream()
        for one, stream in zip(steps, streams, strict=True):
            stream.wait_stream(main)
            with torch.cuda.stream(stream):
                one()
        for stream in streams:
            main.wait_stream(stream)

    return step


def _stacked(networks: list[nn.Module], read: Tensor, labels: Tensor) -> Step:
    taken, buffers = stack_module_state(networks)
    parameters = {name: value.detach().clone().requires_grad_() for name, value in taken.items()}
    optimizer = _optimizer(parameters.values(), read.device)
    frame = copy.deepcopy(networks[0]).to("meta")

    def loss(own: dict[str, Tensor], state: dict[str, Tensor]) -> Tensor:
        return F.cross_entropy(functional_call(frame, (own, state), (read,)).logits, labels)

    losses = torch.vmap(loss, randomness="different")

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        losses(parameters, buffers).sum().backward()
        optimizer.step()

    return step


@dataclass
class _Replay:
    graph: torch.cuda.CUDAGraph
    step: Step
    """What was captured: a graph keeps nothing alive of what it computes with."""

    def __call__(self) -> None:
        self.graph.replay()


def captured(step: Step) -> Step:
    """Return `REPLAYS` replays of the step as one CUDA graph; they are over when it returns."""
    side = torch.cuda.Stream()
    side.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(side):
        for _ in range(3):
            step()
    torch.cuda.current_stream().wait_stream(side)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        step()
    return _often(_Replay(graph, step))


def _often(step: Step) -> Step:
    """One step is too short for a clock, and is not over when it returns."""

    def steps() -> None:
        for _ in range(REPLAYS):
            step()
        torch.cuda.synchronize()

    return steps


if __name__ == "__main__":
    main()
