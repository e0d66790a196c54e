"""What a distillation costs with fckd, with torchdistill, and in a program of one's own.

The same student on the wrist sensor, skeleton teacher, loss, batches and epochs (UTD-MHAD in
FCKD_DATA, else in ../shared/data; without it the synthetic corpus). The three losses are first held
against each other on one batch.

    python -m benchmarks.against_peers [--rounds 7] [--trials 4] [--epochs 5] [--json FILE]

First table: CPU seconds of an epoch in one process of one thread, in turns; an epoch of fckd also
notes agreement, gradients and their shares. Peers augment when a sample is asked for; with `kept`
they too keep what was read once under one of the views, as fckd does, so that only teacher and loop
are compared. Second table: wall seconds of a sweep in one local Ray cluster, two trials at a time,
both with MLflow in SQLite: the search alone, with a validation after every epoch; `a further trial`
is the time between the first trial's end and the last one's, by trials. The teacher is there before
either begins; fckd's lessons are told apart. `--trials 0` leaves it out, else two at least.
"""

import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import optuna
import torch

from benchmarks.peers import box, plain
from benchmarks.peers.common import BATCH, PART, TEACHER, KeptPairs, ground, space_of, taught
from benchmarks.results import beside, median_and_range, parser, tell
from benchmarks.runner_overhead import Clock
from benchmarks.turns import cpu_seconds, everything
from fckd.config.space import Space
from fckd.distill.lesson import Lesson
from fckd.distill.objective import Answer, Objective, total
from fckd.events import Event, SweepStarted
from fckd.sweep.cluster import cluster
from fckd.sweep.execution import execute
from fckd.sweep.ledger_places import open_ledger
from fckd.sweep.phases import Search
from fckd.sweep.pool import worker_groups
from fckd.tracking.tracker import open_tracker
from fckd.train.loop import distill
from fckd.train.workshop import Workshop
from tests.sweep.unattended import Unattended

RATE = 0.002
OURS = "fckd"
GROUPS = 2
PATIENCE_S = 60.0


def main() -> None:
    """Measure and print both tables."""
    options = parser(__doc__)
    options.add_argument("--rounds", type=int, default=7)
    options.add_argument("--trials", type=int, default=4)
    options.add_argument("--epochs", type=int, default=5)
    given = options.parse_args()
    torch.set_num_threads(1)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with tempfile.TemporaryDirectory() as scratch:
        storage = Path(scratch).resolve()
        space = space_of(given.rounds + 2, 1, 1, rough=True)
        workshop = taught(space, storage)
        begun = time.perf_counter()
        for _ in workshop.make_lessons(space.experiment, TEACHER, PART):
            pass
        lessons = time.perf_counter() - begun
        head = ("an epoch", "CPU seconds", "range", "against fckd", "range of the rounds")
        tell(head, epoch_rows(space, workshop, given.rounds), given.json)
        if given.trials:
            rows = sweep_rows(given.epochs, given.trials, workshop, lessons)
            head = ("a sweep", "seconds", "a further trial", "against fckd", "of a further trial")
            tell(head, rows, beside(given.json, "sweep"))


def epoch_rows(
    space: Space, workshop: Workshop, rounds: int
) -> Iterator[tuple[str, float, str, float, str]]:
    """Yield the rows of the first table."""
    same_loss(space, workshop)
    spent = seconds(space, workshop, rounds)
    for name, values in spent.items():
        against = [a / b for a, b in zip(values, spent[OURS], strict=True)]
        yield name, *median_and_range(values), *median_and_range(against)


def same_loss(space: Space, workshop: Workshop) -> None:
    """Refuse to go on if the three do not compute the same."""
    generator = torch.Generator().manual_seed(0)
    given = ground(workshop, space.experiment)
    channels = given.teacher.feature_channels
    student, teacher = (torch.randn(BATCH, 9, generator=generator) for _ in range(2))
    embedded, features = (torch.rand(BATCH, channels, 8, generator=generator) for _ in range(2))
    labels = torch.arange(BATCH) % 9
    order = torch.arange(channels).expand(BATCH, -1)
    answer = Answer(student, embedded, {TEACHER: embedded})
    lesson = Lesson(teacher, features, order, channels)
    ours = total(Objective(space.experiment.objective)(answer, {TEACHER: lesson}, labels))
    others = [peer.value(student, embedded, teacher, features, labels) for peer in (box, plain)]
    for other in others:
        torch.testing.assert_close(other, ours)


def seconds(space: Space, workshop: Workshop, rounds: int) -> dict[str, list[float]]:
    """Return CPU seconds of an epoch a round, taken in turns."""
    study = workshop.study(space.experiment, PART)
    every = everything(study)
    study.readings.batch(*every)
    runs: dict[str, Iterator[object]] = {OURS: distill(replace(study, measure_every_epoch=False))}
    for name, peer in (("torchdistill", box), ("plain", plain)):
        for kept in (False, True):
            given = ground(workshop, space.experiment)
            if kept:
                given.train = KeptPairs(workshop, space.experiment, study.learn, augment=True)
                for readings in given.train.kept:
                    readings.batch(*every)
            runs[f"{name}, kept" if kept else name] = peer.epochs(given, RATE, rounds + 1)
    return cpu_seconds(runs, rounds)


def sweep_rows(
    epochs: int, trials: int, workshop: Workshop, lessons: float
) -> Iterator[tuple[str, float, float, float, float]]:
    """Yield the rows of the second table."""
    space = space_of(epochs, trials, GROUPS, rough=True)
    told: dict[str, tuple[float, float]] = {}
    with cluster(space.execution):
        for name in (OURS, "plain"):
            begun = time.perf_counter()
            if name == OURS:
                ends = search(space, workshop)
            else:
                ends = plain.sweep(workshop.storage, workshop.corpus_folder, epochs, trials, GROUPS)
            wall = time.perf_counter() - begun
            told[name] = wall, (ends[-1] - ends[0]) / (trials - 1)
    for name, (wall, each) in told.items():
        yield name, wall, each, wall / told[OURS][0], each / told[OURS][1]
    yield f"{OURS}'s lessons, once", lessons, 0.0, lessons / told[OURS][0], 0.0


def search(space: Space, workshop: Workshop) -> list[float]:
    """Run the search in the pool and wait until MLflow has all of it; return when trials ended."""
    folder = workshop.storage / "pool"
    found = Search(space, "pool", open_ledger(workshop.storage), folder)
    clock = Clock()
    uri, files = f"sqlite:///{workshop.storage}/ours.db", str(workshop.storage / "ours")
    tracker = open_tracker(folder, uri, "ours", files)

    def listen(event: Event) -> None:
        clock(event)
        tracker(event)

    listen(SweepStarted("pool"))
    leader = Unattended(space.execution.groups)
    with worker_groups(space.execution, workshop, folder, leader) as ground:
        execute(found, ground, listen, workshop.corpus.classes, leader)
    if tracker.close(PATIENCE_S):
        raise SystemExit("MLflow did not take every event in time")
    return clock.ends


if __name__ == "__main__":
    main()
