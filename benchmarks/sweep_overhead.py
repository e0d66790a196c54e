"""Wall time of a search on the pool against the same trainings in a bare loop of processes.

Both train the UTD-MHAD inertial student as often, with the same seeds, on the same number of cores.
The bare loop runs half of its trainings before the search and half after it, so that what else a
machine does weighs on both. What starts up (Ray, workers, imports) is reported apart.

    python -m benchmarks.sweep_overhead [--trials 8] [--epochs 60] [--groups 2] [--json FILE]

A sweep as in the README has `--trials 64`, and trials of ten seconds and more.
"""

import multiprocessing
import tempfile
import time
from collections.abc import Sequence
from multiprocessing.pool import Pool
from pathlib import Path

import optuna
import torch

from benchmarks.results import parser, tell
from benchmarks.runner_overhead import Clock, open_workshop, space_for
from fckd.config.space import Space
from fckd.events import Event, TrialStarted
from fckd.sweep.cluster import cluster
from fckd.sweep.execution import execute
from fckd.sweep.ledger_places import open_ledger
from fckd.sweep.phases import Search
from fckd.sweep.pool import worker_groups
from fckd.train.task import Task, run_task
from fckd.train.workshop import Workshop
from tests.sweep.unattended import Unattended

_workshops: list[Workshop] = []
"""Of a process of the bare loop: opened once, as a worker of the pool does."""


class SearchClock(Clock):
    """Also notes when the first trial started."""

    started = 0.0

    def __call__(self, event: Event) -> None:
        """Note an event."""
        if isinstance(event, TrialStarted):
            self.started = self.started or time.perf_counter()
        super().__call__(event)


def open_in_process(storage: Path, corpus: Path) -> None:
    """Prepare a process of the bare loop."""
    torch.set_num_threads(1)
    _workshops.append(Workshop(storage, corpus))


def train(task: Task | None) -> None:
    """Train one student; without a task, only see that the process is there."""
    if task is not None:
        run_task(task, _workshops[0], lambda *_: True)
    else:
        torch.optim.AdamW([torch.zeros(1)])  # which imports as much as the rest
        time.sleep(0.5)  # so that every process takes one


def tasks_of(space: Space, storage: Path) -> list[Task]:
    """Return the tasks that the search will draw, for other folders."""
    search = Search(space, "drawn", open_ledger(storage), storage / "bare")
    return [search.order(asked).task for asked in iter(search.ledger.ask, None)]


def loop(pool: Pool, tasks: Sequence[Task]) -> float:
    """Return the seconds in which the processes run all tasks."""
    begun = time.perf_counter()
    for _ in pool.imap_unordered(train, tasks, chunksize=1):
        pass
    return time.perf_counter() - begun


def search_on_pool(space: Space, workshop: Workshop, storage: Path) -> tuple[float, float]:
    """Return the seconds from the first trial's start to the last one's end, and those before."""
    search = Search(space, "pool", open_ledger(storage), storage / "pool")
    clock, begun = SearchClock(), time.perf_counter()
    leader = Unattended(space.execution.groups)
    with (
        cluster(space.execution),
        worker_groups(space.execution, workshop, storage / "pool", leader) as ground,
    ):
        execute(search, ground, clock, workshop.corpus.classes, leader)
    return clock.ends[-1] - clock.started, clock.started - begun


def measure(space: Space, storage: Path) -> list[tuple[str, float, float]]:
    """Return (runner, seconds, seconds of start-up) of both."""
    workshop, tasks = open_workshop(space, storage), tasks_of(space, storage)
    groups, half = space.execution.groups, len(tasks) // 2
    begun = time.perf_counter()
    context = multiprocessing.get_context("spawn")
    with context.Pool(groups, open_in_process, (storage, workshop.corpus_folder)) as pool:
        pool.map(train, [None] * groups, chunksize=1)
        ready = time.perf_counter() - begun
        before = loop(pool, tasks[:half])
        wall, started = search_on_pool(space, workshop, storage)
        after = loop(pool, tasks[half:])
    return [("bare loop", before + after, ready), ("fckd sweep", wall, started)]


def main() -> None:
    """Measure both and print the ratio."""
    options = parser(__doc__)
    options.add_argument("--trials", type=int, default=8)
    options.add_argument("--epochs", type=int, default=60)
    options.add_argument("--groups", type=int, default=2)
    given = options.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    space = space_for(given.epochs, given.trials, {"groups": given.groups})
    with tempfile.TemporaryDirectory() as scratch:
        rows = measure(space, Path(scratch).resolve())
    each = given.groups / given.trials
    bare = rows[0][1]
    table = [(name, wall, wall * each, wall / bare, ready) for name, wall, ready in rows]
    head = ("runner", "seconds", "seconds a trial", "ratio", "start-up, seconds")
    tell(head, table, given.json)


if __name__ == "__main__":
    main()
