"""A whole sweep: every step that is still missing, in order."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import RDBStorage
from pydantic import SecretStr

from fckd.config.experiment import identity
from fckd.config.space import Space
from fckd.errors import TrainingError
from fckd.events import Listener, Progress
from fckd.sweep.account import unit_of
from fckd.sweep.arms import confirmation_runs, under
from fckd.sweep.campaign import Opened, Track, open_workshop, opened, reasons
from fckd.sweep.execution import execute
from fckd.sweep.groups import worker_groups
from fckd.sweep.leaderboard import write_leaderboard
from fckd.sweep.ledger_places import open_ledger
from fckd.sweep.needs import variants_of
from fckd.sweep.phases import Repetitions, Search, confirmation
from fckd.sweep.preparation import Preparation
from fckd.sweep.suggest import check_bounds
from fckd.sweep.warm_start import WarmStart, warm_start
from fckd.train.workshop import Workshop


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
        cost: Device-hours of all its drivers, by unit.
    """

    sweep: str
    folder: Path
    leaderboard: dict[str, Any]
    study: optuna.Study
    confirmation: Repetitions
    workshop: Workshop
    cost: dict[str, float]

    @property
    def fingerprints(self) -> dict[str, str]:
        """Of the corpus, and of who taught the first finalist what, under the first protocol."""
        runs, found = self.confirmation, {"corpus": self.workshop.corpus.fingerprint}
        finalist = next(arm for arm in runs.arms if arm.trial_key)
        experiment = under(finalist.experiment, next(iter(runs.protocols), None))
        for name in experiment.taught_by if experiment.needs_lessons else ():
            asked = (experiment, name, runs.part)
            found[f"teacher {name}"] = self.workshop.teacher_folder(*asked).name
            found[f"lessons {name}"] = self.workshop.lesson_folder(*asked).name
        return found


def conduct(
    space: Space,
    data: Path | None,
    watch: Listener,
    track: Track,
    ledger_url: SecretStr | None = None,
) -> Conducted:
    """Run a sweep, or what is still missing of it.

    Args:
        space: What to search.
        data: Folder of the raw benchmarks; None where the source needs none.
        watch: Hears every event, also before the sweep has an id.
        track: Given the sweep's folder, returns who keeps its events.
        ledger_url: Of a PostgreSQL database; None for a file in the storage.

    Raises:
        UserError: The space, the data or the machine do not allow it.
        TrainingError: No trial of the search, or no run of the confirmation, could be finished.
        Stopped: It was asked to end before it was finished.
    """
    check_bounds(space)
    confirmed = [under(space.experiment, each) for each in space.confirmation.protocols]
    workshop = open_workshop(space, [space.experiment, *confirmed], data, watch)
    ledger = open_ledger(workshop.storage, ledger_url)
    earlier = warm_start(space, ledger)
    # Budget, execution and confirmation may change; the rest makes another sweep.
    described = {
        "experiment": identity(space.experiment),
        "parameters": space.model_dump(mode="json")["search"]["parameters"],
        "objectives": list(space.search.objectives),
    }
    listeners, hours = (watch, track), space.budget.device_hours
    preparation = Preparation(variants_of(space), space.execution)
    with opened(space, workshop, ledger, described, preparation, listeners, hours) as sweep:
        search, runs = _run_phases(space, sweep, ledger, earlier)
    board = write_leaderboard(runs, sweep, space.experiment)
    return Conducted(
        sweep.identity,
        sweep.folder,
        board,
        search.ledger.study,
        runs,
        workshop,
        {unit_of(space.execution): sweep.attendance.account.spent},
    )


def _run_phases(
    space: Space, sweep: Opened, ledger: RDBStorage, earlier: WarmStart | None
) -> tuple[Search, Repetitions]:
    workshop = sweep.workshop
    classes = workshop.corpus.classes
    points = earlier.points if earlier else ()
    if earlier:
        earlier.check_another(sweep.identity)
        sweep.listener(Progress(str(earlier), len(points), len(points)))
    search = Search(space, sweep.identity, ledger, sweep.folder, points)
    leader = sweep.attendance
    leader.account.reserve(_confirmation_epochs(space, workshop))
    with worker_groups(space.execution, workshop, sweep.folder, leader) as ground:
        execute(search, ground, sweep.listener, classes, space.budget.minutes, leader)
        finalists = search.finalists()
        if not finalists and leader.account.exhausted:
            raise leader.account.end("no trial with more than plain logits was finished")
        if not finalists:
            raise TrainingError(
                f"no trial with more than plain logits was finished: {reasons(search)}"
            )
        own = search.own_training(finalists[0][1])
        runs = confirmation(space, sweep.identity, ledger, sweep.folder, finalists, own)
        leader.account.reserve(0)
        execute(runs, ground, sweep.listener, classes, leader=leader)
    return search, runs


def _confirmation_epochs(space: Space, workshop: Workshop) -> float:
    """Return what the confirmation takes, in epochs of a trial of the search.

    Its epochs are longer: they learn from the validation samples too.
    """
    counts = workshop.counts(space.experiment)
    longer = 1 + counts["validation"] / counts["train"]
    return confirmation_runs(space.confirmation) * space.experiment.training.epochs * longer
