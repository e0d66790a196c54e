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
from fckd.sweep.account import Account, devices_of, unit_of
from fckd.sweep.arms import confirmation_runs, under
from fckd.sweep.campaign import Opened, Track, open_workshop, opened, reasons
from fckd.sweep.execution import execute
from fckd.sweep.leader import Leader
from fckd.sweep.leaderboard import write_leaderboard
from fckd.sweep.ledger_places import open_ledger
from fckd.sweep.needs import taught_from, variants_of
from fckd.sweep.phases import Repetitions, Search, confirmation, points_of
from fckd.sweep.pool import worker_groups
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
        teachers, lessons = taught_from(self.workshop, experiment, runs.part)
        found |= {f"teacher {name}": key for name, key in teachers.items()}
        return found | {f"lessons {name}": key for name, key in lessons.items()}


@dataclass(frozen=True)
class Searched:
    """A sweep that ended with its search: nothing was to be confirmed, no test sample was read.

    Attributes:
        sweep: Its id.
        folder: Its files.
        search: With its trials.
    """

    sweep: str
    folder: Path
    search: Search


def conduct(
    space: Space,
    data: Path | None,
    watch: Listener,
    track: Track,
    ledger_url: SecretStr | None = None,
) -> Conducted | Searched:
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
    points_of(space, ())  # a grid that is too large is refused before teachers are trained
    protocols = space.confirmation.protocols if space.confirmation.finalists else ()
    confirmed = [under(space.experiment, each) for each in protocols]
    workshop = open_workshop(space, [space.experiment, *confirmed], data, watch)
    ledger = open_ledger(workshop.storage, ledger_url)
    earlier = warm_start(space, ledger)
    listeners, hours = (watch, track), space.budget.device_hours
    preparation = Preparation(variants_of(space), space.execution)
    with opened(space, workshop, ledger, _described(space), preparation, listeners, hours) as sweep:
        search, runs = _run_phases(space, sweep, ledger, earlier)
        if runs is None:
            return Searched(sweep.identity, sweep.folder, search)
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
) -> tuple[Search, Repetitions | None]:
    """Return the search and the confirmation, if there is one."""
    workshop = sweep.workshop
    classes = workshop.corpus.classes
    points = earlier.points if earlier else ()
    if earlier:
        earlier.check_another(sweep.identity)
        sweep.listener(Progress(str(earlier), len(points), len(points)))
    search = Search(space, sweep.identity, ledger, sweep.folder, points)
    leader = sweep.attendance
    _keep_back(search, workshop, leader.account)
    with worker_groups(space.execution, workshop, sweep.folder, leader) as ground:
        if search.was_ended:
            leader.enter(search, None)
        else:
            execute(search, ground, sweep.listener, classes, leader, space.budget.minutes)
        finalists = search.finalists()
        if not (finalists if space.confirmation.finalists else search.best_first()):
            raise _nothing_found(search, leader)
        search.end()
        if not space.confirmation.finalists:
            return search, None
        own = search.own_training(finalists[0][1])
        runs = confirmation(space, sweep.identity, ledger, sweep.folder, finalists, own)
        leader.account.reserve(0)
        with search.confirmed_by(runs):
            execute(runs, ground, sweep.listener, classes, leader)
    return search, runs


def _keep_back(search: Search, workshop: Workshop, account: Account) -> None:
    """Let the search leave what the confirmation will take."""
    space = search.space
    # Without a first round of trials there would be nothing to confirm.
    first_round = space.experiment.training.epochs * space.execution.groups
    account.reserve(_confirmation_epochs(space, workshop), after=first_round)
    devices = devices_of(space.execution, space.execution.workers)
    for seconds in search.epoch_seconds():
        account.measure(seconds, devices)


def _described(space: Space) -> dict[str, Any]:
    """Return what makes another sweep if it changes, beside the corpus.

    Budget, stopping, points, execution and confirmation may change.
    """
    search = space.model_dump(mode="json")["search"]
    described = {
        "experiment": identity(space.experiment),
        "parameters": search["parameters"],
        "objectives": search["objectives"],
    }
    sampling = space.search.model_dump(include={"sampler", "seed"}, exclude_defaults=True)
    return {**described, "sampling": sampling} if sampling else described


def _nothing_found(search: Search, leader: Leader) -> Exception:
    """Return the end of a sweep whose search has nothing to confirm, with what it has."""
    finished = search.best_first()
    done = f"of {len(search.ledger.ended)} trials {len(finished)} finished"
    if finished:
        best = f"{100 * finished[0].values[0]:.1f} % on validation"
        done += f", the best with {best}, but none with more than plain logits"
    if leader.account.exhausted:
        return leader.account.end(done)
    why = reasons(search)
    return TrainingError(
        f"{done}{': ' if why else ''}{why}\n"
        "  to do:    raise budget.trials (and loosen stopping) and run the same command again"
    )


def _confirmation_epochs(space: Space, workshop: Workshop) -> float:
    """Return what the confirmation takes, in epochs of a trial of the search.

    Its epochs are longer: they learn from the validation samples too.
    """
    counts = workshop.counts(space.experiment)
    longer = 1 + counts["validation"] / counts["train"]
    return confirmation_runs(space.confirmation) * space.experiment.training.epochs * longer
