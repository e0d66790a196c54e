"""Seconds of an epoch of distillation on one worker of one thread, and on two that share batches.

    python -m benchmarks.two_workers [--rounds 5] [--epochs 3] [--json FILE]

A TSM student with three teachers, as in `benchmarks.lesson_cost --shape tsm`; the global batch is
the same, so that two workers compute half of it each and then average their gradients (gloo). One
worker and two take turns; each process trains for `--epochs` after a first one that does not count.
Linear is a ratio of 0.5. The two need two idle cores.
"""

import tempfile
import time
from pathlib import Path
from typing import Any

import torch
from torch import distributed
from torch.multiprocessing.spawn import spawn

from benchmarks.lesson_cost import PART, experiment, make
from benchmarks.results import median_and_range, parser, tell
from fckd.config.experiment import Experiment
from fckd.train.loop import distill
from fckd.train.workshop import Workshop

SHAPE = "tsm"


def train(rank: int, workers: int, epochs: int, place: str, corpus: str, described: Any) -> None:
    """Train as one of the workers; the first writes down what an epoch took."""
    torch.set_num_threads(1)
    meeting = f"file://{place}/meeting"
    distributed.init_process_group("gloo", init_method=meeting, rank=rank, world_size=workers)
    found = Experiment.model_validate(described)
    study = Workshop(Path(place) / "storage", Path(corpus)).study(found, PART)
    run = distill(study)
    next(run)
    begun = time.perf_counter()
    for _ in range(epochs):
        next(run)
    if rank == 0:
        Path(place, "seconds").write_text(str((time.perf_counter() - begun) / epochs))
    del run
    distributed.barrier()
    distributed.destroy_process_group()


def seconds(workers: int, epochs: int, place: Path, corpus: Path, described: Any) -> float:
    """Return the seconds of an epoch on so many workers."""
    (place / "meeting").unlink(missing_ok=True)
    given = (workers, epochs, str(place), str(corpus), described)
    spawn(train, args=given, nprocs=workers)
    return float((place / "seconds").read_text())


def main() -> None:
    """Measure and print."""
    options = parser(__doc__)
    options.add_argument("--rounds", type=int, default=5)
    options.add_argument("--epochs", type=int, default=3)
    given = options.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        place = Path(scratch).resolve()
        found = experiment(SHAPE)
        corpus = make(found, place / "storage").corpus_folder
        described = found.model_dump(mode="json")
        described["training"]["epochs"] = given.epochs + 2
        spent: dict[int, list[float]] = {1: [], 2: []}
        for _ in range(given.rounds):
            for workers, took in spent.items():
                took.append(seconds(workers, given.epochs, place, corpus, described))
    ratios = [two / one for one, two in zip(spent[1], spent[2], strict=True)]
    rows = [
        ("seconds an epoch, 1 worker", *median_and_range(spent[1])),
        ("seconds an epoch, 2 workers", *median_and_range(spent[2])),
        ("2 workers / 1 worker (linear: 0.5)", *median_and_range(ratios)),
        ("of linear", *median_and_range([0.5 / ratio for ratio in ratios])),
    ]
    tell(("what", "median", "range"), rows, given.json)


if __name__ == "__main__":
    main()
