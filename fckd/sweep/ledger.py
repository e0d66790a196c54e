"""The ledger: one Optuna study for each phase of a sweep, the only truth about its trials."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.study import StudyDirection
from optuna.trial import FrozenTrial, TrialState

from fckd import names
from fckd.files import fingerprint
from fckd.sweep.own_trials import OwnTrials

KEY, SUPERSEDED = names.TRIAL_KEY, names.SUPERSEDED
POINT = "point"
COSTS = "costs"
"""Of a study: the names of the values that are to be low."""
REASON = "reason"
FIELDS = "fields"
HOPELESS = "hopeless"
"""Of a trial that was asked to end early."""
ENDED = (TrialState.COMPLETE, TrialState.PRUNED, TrialState.FAIL)
DRAWS = 20
"""So many repetitions in a row, and the space has nothing new."""

Suggest = Callable[[optuna.Trial], Mapping[str, Any]]
Sampler = Callable[[int], optuna.samplers.BaseSampler]
"""Makes the sampler of the trial with this number, anew for each: what is drawn depends on the
ledger alone, and not on how many drivers it had."""


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
        sampler: Makes Optuna's sampler of a trial.
        pruner: Optuna's pruner.
        points: Tried first. A point of an earlier opening that waits and is no longer among them is
            withdrawn.
        costs: Names of further values of a finished trial, to be low; with any, nothing is pruned.
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
            storage=OwnTrials(optuna.storages.get_storage(storage)),
            study_name=name,
            pruner=pruner,
            directions=directions,
            load_if_exists=True,
        )
        if costs:
            self.study.set_user_attr(COSTS, list(costs))
        self.name, self.limit = name, limit
        self.planned = len(points) if limit is None else limit
        self._suggest, self._sampler = suggest, sampler
        self._running: dict[str, optuna.Trial] = {}
        # Of what runs, in memory: to ask the storage at each epoch takes as long as a short one.
        self._reported: dict[str, int] = {}
        self._hopeless: set[str] = set()
        self._reclaim()
        self._withdraw({point.identity for point in points})
        self._enqueue(points)
        # Counted and remembered from here on: to look at thousands of trials for each takes long.
        self._ended = len(self.ended)
        attributes = [trial.user_attrs for trial in self.study.get_trials(deepcopy=False)]
        tried = [fingerprint(each[FIELDS]) for each in attributes if _has_begun(each)]
        self._begun, self._tried = len(tried), set(tried)

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
        self.study.sampler = self._sampler(self._begun)
        for draw in range(DRAWS):
            if self._is_full():
                return None
            asked = self._draw()
            if asked is not None:
                return asked
            seed = self._begun * DRAWS + draw
            self.study.sampler = optuna.samplers.RandomSampler(seed=seed)
        return None

    def report(self, key: str, epoch: int, value: float, *, last: bool = False) -> bool:
        """Keep an intermediate value; return whether the trial should be pruned.

        After its last epoch there is nothing to save, and it is not judged.
        A retry that repeats epochs is not asked about them again. What a hopeless trial still
        reports, before it hears of that, is not kept: what the sampler learns must not depend on
        how fast the word travels. Optuna keeps none where there are costs.
        """
        trial = self._running.get(key)
        if trial is None or not math.isfinite(value):
            return False
        if self.is_hopeless(key):
            return True
        if epoch <= self._reported[key]:
            return False
        if len(self.study.directions) > 1:
            return False
        self._reported[key] = epoch
        trial.report(value, epoch)
        if last or not trial.should_prune():
            return False
        trial.set_user_attr(HOPELESS, value=True)
        self._hopeless.add(key)
        return True

    def is_hopeless(self, key: str) -> bool:
        """Whether a running trial was asked to end early."""
        return key in self._hopeless

    def put_back(self, key: str) -> bool:
        """Return a trial that was interrupted to the queue; False if there was no sense in that.

        It comes back, now or in another process, with its key, parameters and reported values. One
        that had been asked to end early is told pruned.
        """
        if key not in self._running or self.is_hopeless(key):
            self.tell(key, "pruned", None)
            return False
        self._wait(self._running.pop(key)._trial_id)
        del self._reported[key]
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
            State and reason as they are kept: `finished` without a finite value is `failed`; a
            hopeless trial is `pruned`, also if it was faster than the word that it should end.
        """
        hopeless = self.is_hopeless(key)
        trial = self._running.pop(key, None)
        if trial is None:
            return state, reason
        del self._reported[key]
        self._hopeless.discard(key)
        if state == "finished" and hopeless:
            state = "pruned"
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
        key: str = attributes.get(KEY, f"{self.name}-{self._begun:04d}")
        if not _has_begun(attributes):
            trial.set_user_attr(FIELDS, fields)
            # Last, for its presence says that the trial has begun.
            trial.set_user_attr(KEY, key)
            self._begun += 1
            self._tried.add(fingerprint(fields))
        self._running[key] = trial
        self._reported[key] = max(self._frozen(trial).intermediate_values, default=0)
        if HOPELESS in attributes:
            self._hopeless.add(key)
        return Asked(key, fields, attributes)

    def _is_full(self) -> bool:
        if self.limit is None:
            return not self._waiting()
        return self._ended + len(self._running) >= self.limit

    def _waiting(self) -> list[FrozenTrial]:
        return self.study.get_trials(deepcopy=False, states=(TrialState.WAITING,))

    def _reclaim(self) -> None:
        """Let stale trials wait again.

        A draw of which nobody heard is taken back: it will be drawn again, alike.
        """
        for stale in self.study.get_trials(deepcopy=False, states=(TrialState.RUNNING,)):
            if _has_begun(stale.user_attrs) or POINT in stale.user_attrs:
                self._wait(stale._trial_id)
            else:
                self._supersede(stale)

    def _wait(self, trial_id: int) -> None:
        """Put a running trial back into the queue, where the lowest number comes first."""
        storage = self.study._storage
        if storage.get_trial(trial_id).user_attrs.get(REASON):
            # Of an ending that never came.
            storage.set_trial_user_attr(trial_id, REASON, "")
        storage.set_trial_state_values(trial_id, TrialState.WAITING)

    def _frozen(self, trial: optuna.Trial) -> FrozenTrial:
        return self.study._storage.get_trial(trial._trial_id)

    def _withdraw(self, wanted: set[str]) -> None:
        """Take back points that wait and are wanted no longer; they may be wanted again later."""
        for trial in self._waiting():
            identity = trial.user_attrs.get(POINT, "")
            # A begun trial of a search keeps its turn; a key that is its point's own comes again.
            begun = _has_begun(trial.user_attrs) and trial.user_attrs.get(KEY) != identity
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


def _has_begun(attributes: Mapping[str, Any]) -> bool:
    """Whether a trial was handed out: a point may bring a key, but no fields."""
    return FIELDS in attributes and KEY in attributes


def key_of(study: str, trial: FrozenTrial) -> str:
    """Return the key of a trial: the study's name and its number among those that began."""
    key: str = trial.user_attrs.get(KEY, f"{study}-{trial.number:04d}")
    return key
