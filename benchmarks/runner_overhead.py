"""Seconds that each runner adds to a trial of the UTD-MHAD inertial student.

A trial's own loop is timed inside the worker (the sum of its epochs' seconds); the overhead is the
wall time from the end of one trial to the end of the next, less that. The first trial of each
runner is left out: it pays for imports and fills caches.

    python -m benchmarks.runner_overhead [--trials 8] [--epochs 20] [--json FILE]

Reads the recordings in FCKD_DATA, else in ../shared/data; without them, the synthetic corpus.
"""

import os
import statistics
import tempfile
import time
from collections import defaultdict
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import optuna
import torch

from benchmarks.results import parser, write
from fckd.config.documents import merge, read_document, validate
from fckd.config.space import Space
from fckd.data.prepare import prepare
from fckd.events import EpochReported, Event, TrialEnded
from fckd.sweep.cluster import cluster
from fckd.sweep.execution import execute
from fckd.sweep.ledger import Asked
from fckd.sweep.ledger_places import open_ledger
from fckd.sweep.phases import Search
from fckd.sweep.pool import worker_groups
from fckd.train.task import run_task
from fckd.train.workshop import Workshop
from tests.sweep.unattended import Unattended

RUNNERS: dict[str, dict[str, Any]] = {
    "pool, 1 worker": {"isolation": "pool", "workers": 1},
    "pool, 2 workers": {"isolation": "pool", "workers": 2},
    "one trainer a trial, 1 worker": {"isolation": "trial", "workers": 1},
}


class Clock:
    """A listener that notes when trials end and how long their loops took."""

    def __init__(self) -> None:
        self.ends: list[float] = []
        self.loops: defaultdict[str, float] = defaultdict(float)
        self.order: list[str] = []

    def __call__(self, event: Event) -> None:
        """Note an event."""
        if isinstance(event, EpochReported):
            self.loops[event.trial_key] += event.metrics["seconds"]
        if isinstance(event, TrialEnded):
            if event.state != "finished":
                raise SystemExit(f"{event.trial_key}: {event.state}: {event.reason}")
            self.ends.append(time.perf_counter())
            self.order.append(event.trial_key)

    def overheads(self) -> list[float]:
        """Return the overhead of every trial but the first, in seconds."""
        gaps = [later - sooner for sooner, later in zip(self.ends, self.ends[1:], strict=False)]
        loops = [self.loops[key] for key in self.order[1:]]
        return [gap - loop for gap, loop in zip(gaps, loops, strict=True)]


def space_for(epochs: int, trials: int, execution: dict[str, Any]) -> Space:
    """Return the student alone, searched over its learning rate."""
    document = read_document(Path("utd_mhad_inertial.yaml"))
    changes: dict[str, Any] = {
        "experiment": {
            "objective": {
                term: {"weight": 0.0} for term in ("correlation", "distribution", "logits")
            },
            "training": {"epochs": epochs},
        },
        "budget": {"trials": trials},
        "stopping": {"rule": "none"},
        "confirmation": {"finalists": 0},
        "execution": {"groups": 1, **execution},
    }
    if data_folder() is None:
        changes["experiment"]["corpus"] = {"source": "synthetic"}
    document = merge(document, changes)
    rate = {"low": 0.001, "high": 0.003, "log": True}
    document["search"] = {"sampler": "random", "parameters": {"training.learning_rate": rate}}
    return validate(Space, document, "benchmark")


def data_folder() -> Path | None:
    """Return the folder of the recordings, if there is one."""
    folder = Path(os.environ.get("FCKD_DATA", "../shared/data"))
    return folder.resolve() if (folder / "utd-mhad").is_dir() else None


def measure(name: str, epochs: int, trials: int, storage: Path) -> dict[str, Any]:
    """Run the trials under one runner."""
    space = space_for(epochs, trials, RUNNERS[name])
    workshop = open_workshop(space, storage)
    folder = storage / name.replace(" ", "-")
    search = Search(space, folder.name, open_ledger(storage), folder)
    clock = Clock()
    begun = time.perf_counter()
    leader = Unattended(space.execution.groups)
    with worker_groups(space.execution, workshop, folder, leader) as ground:
        execute(search, ground, clock, workshop.corpus.classes, leader)
    overheads = clock.overheads()
    return {
        "runner": name,
        "trials": trials,
        "loop_seconds": statistics.median(clock.loops.values()),
        "overhead_seconds": statistics.median(overheads),
        "overhead_range": [min(overheads), max(overheads)],
        "first_trial_ended_after_seconds": clock.ends[0] - begun,
    }


def noted(inside: list[float], _: int, metrics: Mapping[str, float]) -> bool:
    """Note how long an epoch took; go on."""
    inside.append(metrics["seconds"])
    return True


def plain(epochs: int, trials: int, storage: Path) -> dict[str, Any]:
    """Run the same tasks in this process, without Ray."""
    torch.set_num_threads(1)
    space = space_for(epochs, trials, {})
    workshop = open_workshop(space, storage)
    folder = storage / "plain"
    search = Search(space, "plain", open_ledger(storage), folder)
    seconds, loops = [], []
    for number in range(trials):
        asked = search.ledger.ask() or Asked("", {}, {})
        inside: list[float] = []
        begun = time.perf_counter()
        run_task(search.order(asked).task, workshop, partial(noted, inside))
        if number:
            seconds.append(time.perf_counter() - begun - sum(inside))
            loops.append(sum(inside))
        search.ledger.tell(asked.key, "finished", 0.0)
    return {
        "runner": "plain loop, no Ray",
        "trials": trials,
        "loop_seconds": statistics.median(loops),
        "overhead_seconds": statistics.median(seconds),
        "overhead_range": [min(seconds), max(seconds)],
        "first_trial_ended_after_seconds": None,
    }


def open_workshop(space: Space, storage: Path) -> Workshop:
    """Prepare the corpus once."""
    experiment = space.experiment
    corpus = prepare(
        experiment.corpus, experiment.modalities, data_folder(), storage, lambda *_: None
    )
    return Workshop(storage, corpus.folder)


def main() -> None:
    """Measure every runner in turn and print a table."""
    options = parser(__doc__)
    options.add_argument("--trials", type=int, default=8)
    options.add_argument("--epochs", type=int, default=20)
    given = options.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with tempfile.TemporaryDirectory() as scratch:
        storage = Path(scratch).resolve()
        rows = [plain(given.epochs, given.trials, storage)]
        with cluster(space_for(given.epochs, given.trials, {"workers": 2}).execution):
            rows += [measure(name, given.epochs, given.trials, storage) for name in RUNNERS]
    print(f"{'runner':32}{'loop s':>8}{'added s a trial':>17}{'range':>18}{'first trial s':>15}")
    for row in rows:
        low, high = row["overhead_range"]
        first = row["first_trial_ended_after_seconds"]
        print(
            f"{row['runner']:32}{row['loop_seconds']:8.2f}{row['overhead_seconds']:17.2f}"
            f"{low:9.2f} to {high:5.2f}{'' if first is None else f'{first:15.1f}'}"
        )
    write(rows, given.json)


if __name__ == "__main__":
    main()
