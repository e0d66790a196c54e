"""Terms of the objective on a GPU, forward and backward, against what its memory and cores can do.

    python -m benchmarks.gpu_losses [--json FILE]

`plain` is the step-by-step writing of `benchmarks.plain_losses`, `compiled` the same by
`torch.compile`. Medians of GPU time by CUDA events; inputs of a gigabyte in turn, more than a
cache holds. The limit of `distribution` is memory: two reads of both sides and a write of the
gradient, at the rate of a copy. That of `correlation` is arithmetic: three products in float32 (two
Gram matrices forward, one product backward), at the rate of a large product.
"""

import itertools
import statistics
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

from benchmarks.loss_cost import ours
from benchmarks.plain_losses import PLAIN
from benchmarks.results import parser, tell

GPU = torch.device("cuda")
SIZES = ((16, 512, 392), (64, 512, 784), (256, 256, 128))
"""N, K, P."""
SETS_BYTES = 2**30
RUNS = 30
FLOAT = 4
HEAD = (
    "term",
    "N × K × P",
    "limit µs",
    "ours µs",
    "plain / ours",
    "compiled / ours",
    "of the limit",
)


def main() -> None:
    """Measure and print a table."""
    given = parser(__doc__).parse_args()
    copying, multiplying = copy_rate(), product_rate()
    print(
        f"a copy: {copying / 1e12:.2f} TB/s; a product in float32: {multiplying / 1e12:.1f} TFLOP/s"
    )
    tell(HEAD, rows(copying, multiplying), given.json)


def rows(copying: float, multiplying: float) -> Iterator[tuple[Any, ...]]:
    """Yield a row for each term and size."""
    for size in SIZES:
        samples, channels, positions = size
        numbers = samples * channels * positions
        limits = {
            "distribution": 5 * FLOAT * numbers / copying,
            "correlation": 6 * numbers * channels / multiplying,
        }
        for term, limit in limits.items():
            writings = {
                "ours": ours(term, positions),
                "plain": PLAIN[term],
                "compiled": torch.compile(PLAIN[term], dynamic=False),
            }
            spent = {name: seconds(writing, size) for name, writing in writings.items()}
            mine = spent["ours"]
            yield (
                term,
                " × ".join(map(str, size)),
                1e6 * limit,
                1e6 * mine,
                spent["plain"] / mine,
                spent["compiled"] / mine,
                limit / mine,
            )


def seconds(writing: Callable[[Tensor, Tensor], Tensor], size: tuple[int, ...]) -> float:
    """Return the median GPU time of value and gradient."""
    count = max(2, SETS_BYTES // (2 * FLOAT * torch.Size(size).numel()))
    sets = []
    for _ in range(count):
        student, teacher = (torch.rand(size, device=GPU) for _ in range(2))
        sets.append((student.requires_grad_(), teacher))

    def run(student: Tensor, teacher: Tensor) -> None:
        torch.autograd.grad(writing(student, teacher), student)

    return median_seconds(run, sets)


def median_seconds(action: Callable[..., object], sets: list[tuple[Any, ...]]) -> float:
    """Return the median over runs, each on another set of inputs, with a graph captured for it."""
    graphs = [_captured(action, given) for given in sets]
    found: list[float] = []
    for _, graph in zip(range(RUNS), itertools.cycle(graphs)):
        begun, ended = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        begun.record()
        graph.replay()
        ended.record()
        ended.synchronize()
        found.append(begun.elapsed_time(ended) / 1e3)
    return statistics.median(found[len(found) // 3 :])


def _captured(action: Callable[..., object], given: tuple[Any, ...]) -> torch.cuda.CUDAGraph:
    aside = torch.cuda.Stream()
    aside.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(aside):
        for _ in range(3):
            action(*given)
    torch.cuda.current_stream().wait_stream(aside)
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        action(*given)
    return graph


def copy_rate() -> float:
    """Return bytes a second that a kernel reads and writes which does next to nothing."""
    source = torch.rand(2**28, device=GPU)
    target = torch.empty_like(source)

    def add(values: Tensor) -> None:
        torch.add(values, 1.0, out=target)

    return 2 * source.nbytes / median_seconds(add, [(source,)])


def product_rate() -> float:
    """Return floating-point operations a second of a large product in float32."""
    side = 8192
    factor = torch.rand(side, side, device=GPU)
    return 2 * side**3 / median_seconds(torch.mm, [(factor, factor)])


if __name__ == "__main__":
    main()
