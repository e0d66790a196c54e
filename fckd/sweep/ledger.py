"""The ledger: one Optuna study for each phase of a sweep, the only truth about its trials."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import optuna
from filelock import FileLock
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from fckd.files import fingerprint

LEDGER = "ledger.db"
KEY = "trial_key"
POINT = "point"
SUPERSEDED = "superseded"
COSTS = "costs"
"""Of a study: the names of the values that are to be low."""
REASON = "reason"
FIELDS = "fields"
VALUES = "values"
"""Of a trial that is tried again: what its earlier attempts reported, by epoch."""
HOPELESS = "hopeless"
"""Of a trial that was asked to end early."""
ENDED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
DRAWS = 20
"""So many repetitions in a row, and the space has nothing new."""

Suggest = Callable[[optuna.Trial], Mapping[str, Any]]
Sampler = Callable[[int], optuna.samplers.BaseSampler]
"""Given how many attempts the study has: a sampler that begins its seed again repeats itself."""


@dataclass(frozen=True)
class Point:
    """A trial to run whatever the sampler thinks.

    Attributes:
        identity: Unique in the study; a point that is known already is not queued again.
        parameters: Fixed; others are sampled.
        attributes: Kept with the trial; may hold its `trial_key`.
    """

    identity: str
    parameters: Mapping[str, Any]
    attributes: Mapping[str, Any]


@dataclass(frozen=True)
class Asked:
    """A trial to run now. `key` is the same across its retries."""

    key: str
    number: int
    fields: Mapping[str, Any]
    attributes: Mapping[str, Any]


class Ledger:
    """A study that is asked for trials and told how they ended.

    One process at a time may drive a ledger: when it is opened, every trial that is still running
    is stale, left behind by a driver that died, and goes back to the queue with its parameters.

    Args:
        storage: Where studies are kept.
        name: Of the study.
        limit: Number of trials, retries not counted; None for the points alone.
        suggest: Draws the searched fields of a trial, define-by-run.
        sampler: Makes Optuna's sampler.
        pruner: Optuna's pruner.
        points: Tried first. A point of an earlier opening that waits and is no longer among them is
            withdrawn.
    """

    def __init__(
        self,
        storage: optuna.storages.BaseStorage,
        name: str,
        limit: int | None,
        suggest: Suggest,
        sampler: Sampler,
        pruner: optuna.pruners.BasePruner,
        points: Sequence[Point] = (),
        costs: Sequence[str] = (),
    ) -> None:
        directions = [StudyDirection.MAXIMIZE, *(StudyDirection.MINIMIZE for _ in costs)]
        self.study = optuna.create_study(
            storage=storage,
            study_name=name,
            pruner=pruner,
            directions=directions,
            load_if_exists=True,
        )
        if costs:
            self.study.set_user_attr(COSTS, list(costs))
        self.study.sampler = sampler(len(self.study.get_trials(deepcopy=False)))
        self.name, self.limit = name, limit
        self.planned = len(points) if limit is None else limit
        self._suggest = suggest
        self._running: dict[str, optuna.Trial] = {}
        self._reported: dict[str, int] = {}
        self._reclaim()
        self._withdraw({point.identity for point in points})
        self._enqueue(points)
        # Counted and remembered from here on: to look at thousands of trials for each takes long.
        self._ended = len(self.ended)
        self._tried = {
            fingerprint(trial.user_attrs[FIELDS])
            for trial in self.study.get_trials(deepcopy=False)
            if FIELDS in trial.user_attrs
        }

    @property
    def ended(self) -> list[FrozenTrial]:
        """Trials that ended, each once, in the order of their keys."""
        ended = self.study.get_trials(deepcopy=False, states=ENDED)
        found = [trial for trial in ended if SUPERSEDED not in trial.user_attrs]
        return sorted(found, key=lambda trial: key_of(self.name, trial))

    def ask(self) -> Asked | None:
        """Return the next trial, or None if there is no more: the limit, or nothing new to try.

        What is drawn like a trial that is known already would end like it, and is drawn again: at
        random, for a sampler that is sure of its best point proposes nothing else.
        """
        own = self.study.sampler
        try:
            for _ in range(DRAWS):
                if self._is_full():
                    return None
                asked = self._draw()
                if asked is not None:
                    return asked
                attempts = len(self.study.get_trials(deepcopy=False))
                self.study.sampler = optuna.samplers.RandomSampler(seed=attempts)
            return None
        finally:
            self.study.sampler = own

    def report(self, key: str, epoch: int, value: float) -> bool:
        """Keep an intermediate value; return whether the trial should be pruned.

        A retry that repeats epochs is not asked about them again. Optuna keeps none where there
        are costs.
        """
        trial = self._running.get(key)
        if trial is None or not math.isfinite(value) or epoch <= self._reported.get(key, 0):
            return False
        if len(self.study.directions) > 1:
            return False
        self._reported[key] = epoch
        trial.report(value, epoch)
        if not self._hopeless(trial):
            return False
        trial.set_user_attr(HOPELESS, value=True)
        return True

    def put_back(self, key: str) -> bool:
        """Return a trial that was interrupted to the queue; False if there was no sense in that.

        It comes back, now or in another process, with its key, parameters and reported values. One
        that had been asked to end early is told pruned.
        """
        trial = self._running.get(key)
        if trial is None or HOPELESS in trial.user_attrs:
            self.tell(key, "pruned", None)
            return False
        del self._running[key]
        self._queue_again(self.study._storage.get_trial(trial._trial_id), self._waiting_keys())
        return True

    def tell(
        self,
        key: str,
        state: str,
        value: float | None,
        reason: str = "",
        costs: Sequence[float] = (),
    ) -> tuple[str, str]:
        """End a trial as `finished` (with its values), `pruned` or `failed` (with the reason).

        Returns:
            State and reason as they are kept: `finished` without a finite value is `failed`.
        """
        trial = self._running.pop(key, None)
        if trial is None:
            return state, reason
        if state == "finished" and (value is None or not math.isfinite(value)):
            state, reason = "failed", f"the objective is {value}"
        if reason:
            trial.set_user_attr(REASON, reason)
        if state == "finished" and value is not None:
            self.study.tell(trial, [value, *costs])
        else:
            told = TrialState.PRUNED if state == "pruned" else TrialState.FAIL
            self.study.tell(trial, state=told)
        self._ended += 1
        return state, reason

    def _draw(self) -> Asked | None:
        """Return what Optuna draws or has waiting, or None if it was drawn before."""
        trial = self.study.ask()
        attributes = dict(trial.user_attrs)
        fields = dict(self._suggest(trial))
        given = POINT in attributes or KEY in attributes
        if not given and fingerprint(fields) in self._tried:
            trial.set_user_attr(SUPERSEDED, value=True)
            self.study.tell(trial, state=TrialState.FAIL)
            return None
        key: str = attributes.get(KEY, f"{self.name}-{trial.number:04d}")
        trial.set_user_attr(FIELDS, fields)
        trial.set_user_attr(KEY, key)
        self._tried.add(fingerprint(fields))
        self._running[key] = trial
        for epoch, value in attributes.get(VALUES, {}).items():
            trial.report(value, int(epoch))
            self._reported[key] = int(epoch)
        return Asked(key, trial.number, fields, attributes)

    def _is_full(self) -> bool:
        if self.limit is None:
            return not self._waiting()
        return self._ended + len(self._running) >= self.limit

    def _hopeless(self, trial: optuna.Trial) -> bool:
        return HOPELESS in trial.user_attrs or bool(trial.should_prune())

    def _waiting(self) -> list[FrozenTrial]:
        return self.study.get_trials(deepcopy=False, states=(TrialState.WAITING,))

    def _waiting_keys(self) -> set[str | None]:
        return {trial.user_attrs.get(KEY) for trial in self._waiting()}

    def _reclaim(self) -> None:
        """Queue stale trials again; a crash after any of the steps loses none of them."""
        waiting = self._waiting_keys()
        for stale in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            self._queue_again(stale, waiting)

    def _queue_again(self, stale: FrozenTrial, waiting: set[str | None]) -> None:
        key = key_of(self.name, stale)
        if key not in waiting and SUPERSEDED not in stale.user_attrs:
            attributes = {**stale.user_attrs, KEY: key}
            attributes.pop(REASON, None)
            # As texts: JSON has no other keys. An attempt that died while it was told of earlier
            # values again may have fewer of them than it was given.
            told = {str(epoch): value for epoch, value in stale.intermediate_values.items()}
            attributes[VALUES] = {**attributes.get(VALUES, {}), **told}
            # A point's values are drawn one by one: its driver may have died before the last.
            values = {**stale.system_attrs.get("fixed_params", {}), **stale.params}
            self.study.enqueue_trial(values, user_attrs=attributes)
        self._supersede(stale)

    def _withdraw(self, wanted: set[str]) -> None:
        """Take back points that wait and are wanted no longer; they may be wanted again later."""
        for trial in self._waiting():
            identity = trial.user_attrs.get(POINT, "")
            # A begun trial of a search keeps its turn; a key that is its point's own comes again.
            begun = FIELDS in trial.user_attrs and trial.user_attrs.get(KEY) != identity
            if identity and identity not in wanted and not begun:
                self._supersede(trial)

    def _supersede(self, trial: FrozenTrial) -> None:
        self.study._storage.set_trial_user_attr(trial._trial_id, SUPERSEDED, value=True)
        self.study._storage.set_trial_state_values(trial._trial_id, TrialState.FAIL)

    def _enqueue(self, points: Sequence[Point]) -> None:
        known = {
            trial.user_attrs.get(POINT)
            for trial in self.study.get_trials(deepcopy=False)
            if SUPERSEDED not in trial.user_attrs
        }
        for point in points:
            if point.identity not in known:
                attributes = {**point.attributes, POINT: point.identity}
                self.study.enqueue_trial(dict(point.parameters), user_attrs=attributes)


def embedded_storage(folder: Path) -> optuna.storages.RDBStorage:
    """Open the ledger in `folder`, a SQLite file that is made if absent.

    Two processes that both made its tables would fail, so that they take turns.
    """
    with FileLock(folder / "ledger.lock"):
        return optuna.storages.RDBStorage(f"sqlite:///{folder / LEDGER}")


def key_of(study: str, trial: FrozenTrial) -> str:
    """Return the key of a trial: the study's name and the number of its first attempt."""
    key: str = trial.user_attrs.get(KEY, f"{study}-{trial.number:04d}")
    return key
