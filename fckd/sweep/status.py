"""How a campaign stands, from the ledger alone: whoever can read the ledger can ask."""

import statistics
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from optuna.storages import RDBStorage
from optuna.trial import TrialState

from fckd.sweep.control import (
    CAMPAIGN,
    DRIVER,
    ENDED,
    PHASES,
    Control,
    is_alive,
    spent_in,
    wishes_in,
)
from fckd.sweep.glance import Glimpse, fields_of, glance

RECENT_FAILURES = 5
SEARCH = "search"
_STATES = {
    TrialState.RUNNING: "running",
    TrialState.WAITING: "waiting",
    TrialState.COMPLETE: "finished",
    TrialState.PRUNED: "pruned",
    TrialState.FAIL: "failed",
}


@dataclass(frozen=True)
class Running:
    """A trial that runs, as its driver last said; `epochs` and `value` if they are known."""

    key: str
    name: str
    epoch: int = 0
    epochs: int | None = None
    value: float | None = None


@dataclass(frozen=True)
class Counts:
    """How many trials of a phase there are. `waiting` counts what is still to come, too."""

    planned: int = 0
    running: int = 0
    waiting: int = 0
    finished: int = 0
    pruned: int = 0
    failed: int = 0

    @property
    def ended(self) -> int:
        """Trials that will not run again."""
        return self.finished + self.pruned + self.failed


@dataclass(frozen=True)
class Best:
    """The best trial of the search so far."""

    key: str
    value: float
    parameters: Mapping[str, Any]


@dataclass(frozen=True)
class Status:
    """How a campaign stands.

    Attributes:
        campaign: Its id.
        phase: `preparing`, `search`, `confirmation`, `comparison`, or `ended`.
        end: `finished`, `stopped` or `failed` once it has ended, and why it failed.
        alive: Whether its driver gave a sign of life lately.
        driver: `host`, `pid`, `seen` (Unix time), `groups`, `room`; empty before its first sign.
        counts: Of each phase that has begun.
        best: Of the search, if a trial was finished.
        running: Trials that run; none if the driver is not alive.
        failures: (key, reason) of the last failed trials.
        minutes: (spent, allowed) of a search with such a budget.
        device_hours: (spent, allowed or None) of the whole campaign, as last written down.
        unit: Of these: `GPU-hours` or `CPU-hours`.
        seconds_left: Of the phase, an estimate.
        wishes: `stopping`, `paused`: what the driver was asked for.
    """

    campaign: str
    phase: str
    end: tuple[str, str] | None
    alive: bool
    driver: Mapping[str, Any]
    counts: Mapping[str, Counts]
    best: Best | None
    running: Sequence[Running]
    failures: Sequence[tuple[str, str]]
    minutes: tuple[float, float] | None
    device_hours: tuple[float, float | None]
    unit: str
    seconds_left: float | None
    wishes: Sequence[str] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)


def status_of(storage: RDBStorage, campaign: str, now: float | None = None) -> Status:
    """Read how a campaign stands.

    Args:
        storage: The ledger.
        campaign: Its id.
        now: Unix time; that of the clock if not given.

    Raises:
        KeyError: The ledger has no record of it.
    """
    now = time.time() if now is None else now
    record = Control(storage, campaign).read()
    phases: dict[str, dict[str, Any]] = record[PHASES]
    trials = {name: _trials(storage, phase) for name, phase in phases.items()}
    counts = {name: _count(found, phases[name]["planned"]) for name, found in trials.items()}
    alive, end = is_alive(record, now), record.get(ENDED)
    current = next(reversed(_in_order(phases)), "preparing")
    driver = record.get(DRIVER) or {}
    groups = driver.get("groups") or 1
    known = driver.get("running", {}) if alive else {}
    return Status(
        campaign=campaign,
        phase="ended" if end else current,
        end=(end["state"], end["reason"]) if end else None,
        alive=alive,
        driver={name: value for name, value in driver.items() if name != "running"},
        counts=counts,
        best=_best(storage, trials.get(SEARCH, ())),
        running=[Running(key=key, **values) for key, values in known.items()],
        failures=_failures(trials[name] for name in _in_order(phases)),
        minutes=_minutes(phases.get(current), now) if alive else None,
        device_hours=(spent_in(record), record[CAMPAIGN].get("device_hours")),
        unit=record[CAMPAIGN].get("unit", "device-hours"),
        seconds_left=_left(counts[current], trials[current], groups)
        if alive and current in counts
        else None,
        wishes=_wishes(record) if alive else (),
    )


def _trials(storage: RDBStorage, phase: Mapping[str, Any]) -> list[Glimpse]:
    """Return what a phase asks for: a study of repetitions may have some of other seeds, too."""
    trials = glance(storage, phase["study"])
    keys = phase.get("keys")  # earlier versions wrote none
    return trials if keys is None else [trial for trial in trials if trial.key in keys]


def _in_order(phases: Mapping[str, Mapping[str, Any]]) -> list[str]:
    return sorted(phases, key=lambda name: phases[name]["since"])


def _count(trials: Sequence[Glimpse], planned: int) -> Counts:
    states = [_STATES[trial.state] for trial in trials]
    counts = {state: states.count(state) for state in _STATES.values()}
    begun = len(trials) - counts["waiting"]
    return Counts(planned, **{**counts, "waiting": max(0, planned - begun)})


def _best(storage: RDBStorage, trials: Sequence[Glimpse]) -> Best | None:
    finished = [
        (trial.value, trial)
        for trial in trials
        if trial.state is TrialState.COMPLETE and trial.value is not None
    ]
    if not finished:
        return None
    value, trial = max(finished, key=lambda entry: entry[0])
    return Best(trial.key, value, fields_of(storage, trial))


def _failures(trials: Iterable[Sequence[Glimpse]]) -> list[tuple[str, str]]:
    failed = [
        (trial.key, trial.reason or "no reason was kept")
        for phase in trials
        for trial in phase
        if trial.state is TrialState.FAIL
    ]
    return failed[-RECENT_FAILURES:]


def _minutes(phase: Mapping[str, Any] | None, now: float) -> tuple[float, float] | None:
    if phase is None or phase["minutes"] is None:
        return None
    return (now - phase["since"]) / 60, phase["minutes"]


def _left(counts: Counts, trials: Sequence[Glimpse], groups: int) -> float | None:
    """Return the seconds for what waits and half of what runs, as long as trials took so far."""
    durations = [
        trial.seconds
        for trial in trials
        if trial.state in (TrialState.COMPLETE, TrialState.PRUNED) and trial.seconds is not None
    ]
    if not durations:
        return None
    return statistics.mean(durations) * (counts.waiting + counts.running / 2) / groups


def _wishes(record: Mapping[str, Any]) -> tuple[str, ...]:
    wishes = wishes_in(record)
    asked = (("stopping", wishes.stop), ("paused", wishes.pause))
    return tuple(word for word, is_asked in asked if is_asked)
