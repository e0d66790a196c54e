"""A student's step on a GPU: written plainly, and through `torch.compile`.

    python -m benchmarks.compiled_steps [--json FILE]

A TSM student on ResNet-18 of the published width (8 frames, 112 × 112, batches of 64), the UTD-MHAD
depth student (batches of 16) and inertial student (batches of 32): cross-entropy, AdamW in one
kernel, each step replayed as one CUDA graph, as fckd does it. Both ways take turns, by wall time.
`seconds to compile` is what the first steps take longer.
"""

import sys
import time
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from benchmarks.packed_steps import CLASSES, KINDS, REPLAYS, captured
from benchmarks.results import median_and_range, parser, tell
from fckd.config.networks import Modality, NetworkSettings
from fckd.models.table import build_network

ROUNDS = 7
GPU = torch.device("cuda")
PAPER = NetworkSettings(modality=Modality.RGB, network="tsm", width=512, frames=8, size=112)
STUDENTS = {"paper": (PAPER, (64, 3, 8, 112, 112)), **KINDS}
HEAD = ("student", "precision", "plain, ms", "plain / compiled", "range", "seconds to compile")


def main() -> None:
    """Measure and print a table."""
    given = parser(__doc__).parse_args()
    rows = []
    for name in STUDENTS:
        for precision in (torch.float32, torch.bfloat16):
            row = _measured(name, precision)
            print(*row, file=sys.stderr, flush=True)
            rows.append(row)
    tell(HEAD, rows, given.json)


def _measured(name: str, precision: torch.dtype) -> tuple[Any, ...]:
    ways: dict[str, Callable[[], None]] = {}
    took = {}
    for way in ("plain", "compiled"):
        begun = time.perf_counter()
        ways[way] = captured(_step(name, precision, compiled=way == "compiled"))
        torch.cuda.synchronize()
        took[way] = time.perf_counter() - begun
    spent = _in_turns(ways)
    ratios = [one / two for one, two in zip(spent["plain"], spent["compiled"], strict=True)]
    plain, _ = median_and_range([1e3 * seconds for seconds in spent["plain"]])
    half = str(precision).removeprefix("torch.")
    return name, half, plain, *median_and_range(ratios), took["compiled"] - took["plain"]


def _step(name: str, precision: torch.dtype, *, compiled: bool) -> Callable[[], None]:
    settings, shape = STUDENTS[name]
    torch.manual_seed(0)
    network = build_network(settings, shape[1:], CLASSES).train().to(GPU)
    optimizer = torch.optim.AdamW(network.parameters(), fused=True, capturable=True)
    read, labels = torch.randn(shape, device=GPU), torch.randint(CLASSES, shape[:1], device=GPU)
    answer: Callable[[Tensor], Any] = torch.compile(network) if compiled else network

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cuda", torch.bfloat16, enabled=precision == torch.bfloat16):
            logits = answer(read).logits
        F.cross_entropy(logits.float(), labels).backward()
        optimizer.step()

    return step


def _in_turns(ways: dict[str, Callable[[], None]]) -> dict[str, list[float]]:
    spent: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(ROUNDS):
        for way, steps in ways.items():
            begun = time.perf_counter()
            steps()
            spent[way].append((time.perf_counter() - begun) / REPLAYS)
    return spent


if __name__ == "__main__":
    main()
