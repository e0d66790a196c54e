"""A whole sweep: every step that is still missing, in order."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from filelock import FileLock, Timeout

from fckd.config.experiment import Experiment
from fckd.config.space import Space
from fckd.data.prepare import prepare
from fckd.errors import TrainingError, UserError
from fckd.events import Event, Listener, Progress, SweepStarted
from fckd.files import fingerprint, make_folder, write_json
from fckd.sweep.cluster import cluster
from fckd.sweep.execution import execute
from fckd.sweep.groups import worker_groups
from fckd.sweep.leaderboard import leaderboard
from fckd.sweep.ledger import REASON, embedded_storage
from fckd.sweep.phases import Confirmation, Phase, Search
from fckd.sweep.preparation import make_lessons, make_teachers
from fckd.sweep.suggest import check_bounds
from fckd.train.workshop import Workshop

LEADERBOARD = "leaderboard.json"
SUBMITTED = "RAY_JOB_CONFIG_JSON_ENV_VAR"
"""Ray sets it in the driver of a submitted job."""


@dataclass(frozen=True)
class Conducted:
    """A finished sweep.

    Attributes:
        sweep: Its id: the space's name and a fingerprint of what is searched in what.
        folder: Its files.
        leaderboard: As in `leaderboard.json`.
        study: The search's Optuna study.
        confirmation: With the arms and the folders of their runs.
        workshop: With corpus, teachers and lessons.
    """

    sweep: str
    folder: Path
    leaderboard: dict[str, Any]
    study: optuna.Study
    confirmation: Confirmation
    workshop: Workshop


def conduct(
    space: Space,
    data: Path | None,
    watch: Listener,
    track: Callable[[Path], Listener],
) -> Conducted:
    """Run a sweep, or what is still missing of it.

    Args:
        space: What to search.
        data: Folder of the raw benchmarks; None where the source needs none.
        watch: Hears every event, also before the sweep has an id.
        track: Given the sweep's folder, returns who keeps its events.

    Raises:
        UserError: The space, the data or the machine do not allow it.
        TrainingError: No trial of the search, or no run of the confirmation, could be finished.
    """
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    check_bounds(space)
    storage = resolve_storage(space)
    workshop = Workshop(storage, open_corpus(space.experiment, data, storage, watch))
    workshop.division(space.experiment)
    sweep = sweep_id(space, workshop)
    folder = make_folder(storage / "sweeps" / sweep)
    with _sole_driver(folder), cluster(space.execution):
        listener = _both(watch, track(folder))
        listener(_started(space, sweep, workshop))
        make_teachers(space, workshop, listener)
        make_lessons(space, workshop, listener)
        search, confirmation = _run_phases(space, sweep, workshop, folder, listener)
    board = leaderboard(
        confirmation,
        sweep,
        workshop.corpus.source,
        workshop.counts(space.experiment),
        workshop.corpus.classes,
    )
    if not board["arms"]:
        raise TrainingError(f"no run of the confirmation was finished: {_reasons(confirmation)}")
    write_json(folder / LEADERBOARD, board)
    return Conducted(sweep, folder, board, search.ledger.study, confirmation, workshop)


def open_corpus(experiment: Experiment, data: Path | None, storage: Path, watch: Listener) -> Path:
    """Prepare the experiment's corpus if it is missing; return its folder."""

    def advance(done: int, total: int) -> None:
        watch(Progress("prepare", done, total))

    corpus = prepare(experiment.corpus, experiment.modalities, data, storage, advance)
    watch(Progress("prepare", len(corpus), len(corpus)))
    return corpus.folder


def resolve_storage(space: Space) -> Path:
    """Return the absolute storage folder.

    Raises:
        UserError: A submitted job names a relative folder, which would vanish with the job.
    """
    if SUBMITTED in os.environ and not Path(space.storage).is_absolute():
        raise UserError(
            f"storage: {space.storage}, in a submitted job",
            "an absolute folder: a job's working directory is deleted with it",
            "add --set storage=/a/shared/folder",
        )
    return Path(space.storage).expanduser().resolve()


def sweep_id(space: Space, workshop: Workshop) -> str:
    """Return the sweep's id. Budget, execution and confirmation may change; the rest makes another.

    The corpus counts by its content, wherever it lies.
    """
    described = {
        "experiment": space.experiment.model_dump(mode="json"),
        "parameters": space.model_dump(mode="json")["search"]["parameters"],
        "corpus": workshop.corpus.fingerprint,
    }
    return f"{space.name}-{fingerprint(described)[:8]}"


def _run_phases(
    space: Space, sweep: str, workshop: Workshop, folder: Path, listener: Listener
) -> tuple[Search, Confirmation]:
    ledger, classes = embedded_storage(workshop.storage), workshop.corpus.classes
    search = Search(space, sweep, ledger, folder)
    with worker_groups(space.execution, workshop, folder) as ground:
        execute(search, ground, listener, classes, space.budget.minutes)
        finalists = search.finalists()
        if not finalists:
            raise TrainingError(f"no trial with a focal term was finished: {_reasons(search)}")
        confirmation = Confirmation(space, sweep, ledger, folder, finalists)
        execute(confirmation, ground, listener, classes)
    return search, confirmation


@contextmanager
def _sole_driver(folder: Path) -> Iterator[None]:
    """Two drivers of one sweep would take each other's running trials for stale ones."""
    lock = FileLock(folder / "driver.lock", timeout=0)
    try:
        lock.acquire()
    except Timeout as held:
        raise UserError(
            f"another process is running the sweep in {folder}",
            "one driver for each sweep",
            "wait until it has ended, or end it",
        ) from held
    try:
        yield
    finally:
        lock.release()


def _both(first: Listener, second: Listener) -> Listener:
    def listen(event: Event) -> None:
        first(event)
        second(event)

    return listen


def _started(space: Space, sweep: str, workshop: Workshop) -> SweepStarted:
    experiment = space.experiment
    counts = workshop.counts(experiment)
    parameters = {
        "source": workshop.corpus.source,
        "student": f"{experiment.student.network} on {experiment.student.modality}",
        "teachers": ", ".join(experiment.teachers),
        "trials": space.budget.trials,
        "confirmation seeds": space.confirmation.seeds,
        "isolation": space.execution.isolation,
        "workers": space.execution.workers,
        **{f"samples {part}": count for part, count in counts.items()},
    }
    return SweepStarted(sweep, {"fckd.corpus": workshop.corpus.fingerprint}, parameters)


def _reasons(phase: Phase) -> str:
    reasons = [trial.user_attrs.get(REASON) for trial in phase.ledger.ended]
    return "; ".join(sorted({reason for reason in reasons if reason})) or "none was started"
