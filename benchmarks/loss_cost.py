"""Time and memory of one forward and backward pass of each loss, ours and a plain writing's.

Time: CPU seconds of one thread, medians over rounds in which the two alternate; the ratio is the
median of the rounds' ratios. Memory: how far the resident set rises above that with the inputs
alone (VmHWM of /proc/self/status, reset after the inputs are made), each in a fresh process whose
allocator gives every block of a megabyte back at once; the student's gradient is included.

    python -m benchmarks.loss_cost [--rounds 5] [--terms NAME ...] [--sizes 8x64x98] [--json FILE]
"""

import math
import multiprocessing
import os
import statistics
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from benchmarks.plain_losses import PLAIN
from benchmarks.results import parser, write
from fckd.config.objective import ObjectiveSettings
from fckd.distill.table import FOCAL, LOGITS, MERGED, TERMS

SIZES = ("16x512x392", "8x2048x784")
"""N × C × P; the logits of a term on logits are N × C."""


def ours(term: str, positions: int) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the value of our `term`, with no pooling, under its default settings."""
    settings = type(getattr(ObjectiveSettings(), term))
    pooled = {"positions": positions} if "positions" in settings.model_fields else {}
    module = TERMS[term](settings(weight=1.0, **pooled))

    def value(student: Tensor, teacher: Tensor) -> Tensor:
        given: Tensor
        if term in FOCAL:
            given = module(student, teacher, None)
        elif term in LOGITS:
            given = module(student, teacher, torch.zeros(len(student), dtype=torch.long))
        elif term in MERGED:
            given = module(student, [teacher], torch.ones(len(student), 1))
        else:
            given = module(student, teacher)
        return given.mean()

    return value


def writing(term: str, whose: str, positions: int) -> Callable[[Tensor, Tensor], Tensor]:
    """Return the value of `term` as we or the plain writing compute it."""
    return ours(term, positions) if whose == "ours" else PLAIN[term]


def inputs(term: str, size: str) -> tuple[Tensor, Tensor]:
    """Return student (with gradient) and teacher."""
    shape = [int(number) for number in size.split("x")]
    if term in LOGITS or term in MERGED:
        shape = shape[:2]
    generator = torch.Generator().manual_seed(0)
    student, teacher = (torch.randn(*shape, generator=generator).relu_() for _ in range(2))
    return student.requires_grad_(), teacher


def step(value: Callable[[Tensor, Tensor], Tensor], student: Tensor, teacher: Tensor) -> float:
    """Run forward and backward; return the value."""
    student.grad = None
    loss = value(student, teacher)
    loss.backward()
    return float(loss.detach())


def seconds(term: str, size: str, rounds: int) -> dict[str, float]:
    """Time both writings in turn."""
    student, teacher = inputs(term, size)
    positions = student.shape[-1]
    values = {whose: writing(term, whose, positions) for whose in ("ours", "plain")}
    spent: dict[str, list[float]] = {whose: [] for whose in values}
    results = {whose: step(value, student, teacher) for whose, value in values.items()}
    # The smallest are differences of sums over a million float32 values.
    if not math.isclose(results["ours"], results["plain"], rel_tol=1e-3):
        raise SystemExit(f"{term}: the two writings differ: {results}")
    for _ in range(rounds):
        for whose, value in values.items():
            begun = time.process_time()
            step(value, student, teacher)
            spent[whose].append(time.process_time() - begun)
    ratios = [a / b for a, b in zip(spent["ours"], spent["plain"], strict=True)]
    medians = {f"{whose}_seconds": statistics.median(spent[whose]) for whose in values}
    return {**medians, "time_ratio": statistics.median(ratios)}


def peak(term: str, size: str, whose: str) -> float:
    """Return the rise of the resident set in MB; to be called in a fresh process."""
    torch.set_num_threads(1)
    small = inputs(term, "4x8x16")
    step(writing(term, whose, small[0].shape[-1]), *small)  # loads what the first call loads
    student, teacher = inputs(term, size)
    value = writing(term, whose, student.shape[-1])
    Path("/proc/self/clear_refs").write_text("5")
    before = _status("VmRSS")
    step(value, student, teacher)
    return (_status("VmHWM") - before) / 1024


def _status(name: str) -> int:
    """Return a line of /proc/self/status, in KB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith(f"{name}:"))


def memory(term: str, size: str) -> dict[str, float]:
    """Measure both writings, each in a process of its own."""
    found = {}
    for whose in ("ours", "plain"):
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, mp_context=context) as fresh:
            found[f"{whose}_megabytes"] = fresh.submit(peak, term, size, whose).result()
    return found


def measure(term: str, size: str, rounds: int) -> dict[str, Any]:
    """Return one row of the table."""
    return {"term": term, "size": size, **seconds(term, size, rounds), **memory(term, size)}


def main() -> None:
    """Measure and print a table."""
    options = parser(__doc__)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--terms", nargs="+", choices=PLAIN, default=list(PLAIN))
    options.add_argument("--sizes", nargs="+", default=SIZES)
    given = options.parse_args()
    torch.set_num_threads(1)
    os.environ["MALLOC_MMAP_THRESHOLD_"] = str(2**20)  # read by the processes that `memory` starts
    rows = []
    for size in given.sizes:
        print(
            f"{size:24}{'ours ms':>10}{'plain ms':>10}{'ratio':>7}{'ours MB':>10}{'plain MB':>10}"
        )
        for term in given.terms:
            row = measure(term, size, given.rounds)
            rows.append(row)
            print(
                f"{term:24}{1e3 * row['ours_seconds']:10.2f}{1e3 * row['plain_seconds']:10.2f}"
                f"{row['time_ratio']:7.2f}{row['ours_megabytes']:10.1f}"
                f"{row['plain_megabytes']:10.1f}",
                flush=True,
            )
    write(rows, given.json)


if __name__ == "__main__":
    main()
