"""What the display knows: trials, stages, counts, the best, and how long it may still take."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fckd.config.corpus import CorpusSettings
from fckd.events import (
    EpochReported,
    Event,
    Progress,
    Standing,
    SweepEnded,
    SweepStarted,
    TrialEnded,
    TrialStarted,
)
from fckd.tracking.names import number, short_names

ACCURACY = "validation/accuracy"
TEST_ACCURACY = "test/accuracy"
FIXED_WIDTH = 56
"""Of the columns before the parameters."""
SEARCH = "search"
INTERRUPTED = "interrupted"
OPEN = ("running", INTERRUPTED)
"""States of trials that have not ended."""


@dataclass(frozen=True)
class SweepSummary:
    """What is known before a sweep starts.

    Args:
        name: Of the sweep.
        trials: How many trainings are planned, search and confirmation together; 0 if unknown.
        parameters: Dotted names that are searched.
        minutes: Budget of the search, if it has one.
        corpus: What is said of it when the sweep starts, if it is not as published.
    """

    name: str
    trials: int = 0
    parameters: Sequence[str] = ()
    minutes: float | None = None
    corpus: CorpusSettings | None = None


@dataclass
class Row:
    """One trial as it stands."""

    name: str
    phase: str
    parameters: Mapping[str, Any]
    state: str = "running"
    epoch: int = 0
    accuracy: float | None = None
    test_accuracy: float | None = None
    reason: str = ""

    @property
    def progress(self) -> str:
        """`3/30`, or `3` if nobody said how many there will be."""
        total = next(
            (value for name, value in self.parameters.items() if name.split(".")[-1] == "epochs"),
            None,
        )
        return f"{self.epoch}/{total}" if total else str(self.epoch or "")

    @property
    def shown_accuracy(self) -> str:
        """The accuracy in per cent; a test accuracy says so."""
        if self.test_accuracy is not None:
            return f"test {100 * self.test_accuracy:.1f} %"
        return "" if self.accuracy is None else f"{100 * self.accuracy:.1f} %"


@dataclass
class Board:
    """Takes events and answers questions. Rows are replaced, never removed."""

    summary: SweepSummary
    clock: Callable[[], float]
    stages: dict[str, Progress] = field(default_factory=dict)
    trials: dict[str, Row] = field(default_factory=dict)
    began: float = 0.0
    first_trial: float | None = None
    over: bool = False
    standing: Standing | None = None

    def __post_init__(self) -> None:
        self.began = self.clock()

    def note(self, event: Event) -> None:
        """Take `event` in."""
        match event:
            case Progress():
                self.stages = {**self.stages, event.stage: event}
            case Standing():
                self.standing = event
            case TrialStarted():
                self._start(event)
            case EpochReported():
                self._epoch(event)
            case TrialEnded():
                self._end(event)
            case SweepStarted():
                self.over = False
            case SweepEnded():
                self.over = True

    @property
    def elapsed(self) -> float:
        """Seconds since the display was made."""
        return self.clock() - self.began

    @property
    def best(self) -> Row | None:
        """The search trial of highest validation accuracy among the finished."""
        finished = [
            row
            for row in list(self.trials.values())
            if row.state == "finished" and row.phase == SEARCH and row.accuracy is not None
        ]
        return max(finished, key=lambda row: row.accuracy or 0.0, default=None)

    def rows(self, most: int) -> list[Row]:
        """Return at most `most` trials: running first, then the best, then the newest."""
        newest = list(reversed(list(self.trials.values())))
        best = self.best
        shown = [row for row in newest if row.state == "running"]
        shown += [best] if best is not None else []
        shown += [row for row in newest if row.state != "running" and row is not best]
        return shown[:most]

    def columns(self, width: int) -> dict[str, str]:
        """Return the searched parameters that fit into `width`, with short names."""
        room = width - FIXED_WIDTH
        fitting: dict[str, str] = {}
        for name, short in short_names(self.summary.parameters).items():
            room -= max(*(len(word) for word in short.split(" ")), 9) + 2
            if room < 0:
                break
            fitting[name] = short
        return fitting

    def counts(self) -> str:
        """Return how many trials there are in each state."""
        states = [row.state for row in list(self.trials.values())]
        begun = len(states) - states.count(INTERRUPTED)
        total = f" of {self.summary.trials}" if self.summary.trials else ""
        counts = [f"{states.count(s)} {s}" for s in ("running", "finished", "pruned", "failed")]
        if self.summary.trials > begun and not self.over:
            counts.append(f"{self.summary.trials - begun} waiting")
        line = f"{self.summary.name}: {begun}{total} trials · " + ", ".join(counts)
        return f"{line} · {self.asked()}" if self.standing is not None else line

    def asked(self) -> str:
        """Return what the sweep was asked for last, in words."""
        match self.standing:
            case Standing(stopping=True):
                return "stopping after the current epochs (Ctrl-C: at once)"
            case Standing(paused=True):
                return "paused"
            case Standing(groups=groups):
                return f"{groups} at a time"
        return ""

    def times(self) -> str:
        """Return the best so far, what has passed, and what may be left."""
        best, left = self.best, self.left()
        parts = [f"best: {best.name}, {best.shown_accuracy}"] if best is not None else []
        parts.append(f"elapsed {duration(self.elapsed)}")
        parts += [f"about {duration(left)} left"] if left is not None else []
        parts += [f"budget {duration(budget)} left"] if (budget := self._budget()) else []
        return " · ".join(parts)

    def _budget(self) -> float | None:
        if self.summary.minutes is None or self.first_trial is None or self.over:
            return None
        return max(0.0, 60 * self.summary.minutes - (self.clock() - self.first_trial))

    def left(self) -> float | None:
        """Return the estimated seconds left, once a trial has ended."""
        ended = sum(row.state not in OPEN for row in list(self.trials.values()))
        if self.over or not ended or self.first_trial is None or ended >= self.summary.trials:
            return None
        return (self.clock() - self.first_trial) / ended * (self.summary.trials - ended)

    def ended(self, event: TrialEnded) -> str:
        """Return one line about a trial that ended."""
        row = self.trials[event.trial_key]
        done = f"{sum(other.state not in OPEN for other in self.trials.values())}"
        of = f"/{self.summary.trials}" if self.summary.trials else ""
        accuracy = row.shown_accuracy
        accuracy = accuracy and (accuracy if "test" in accuracy else f"validation {accuracy}")
        searched = [
            f"{short}={short_value(name, row.parameters[name])}"
            for name, short in short_names(self.summary.parameters).items()
            if name in row.parameters
        ]
        facts = [accuracy, *searched, "(best)" if row is self.best else "", event.reason]
        return f"[{done}{of}] {row.name}: {row.state}  " + "  ".join(fact for fact in facts if fact)

    def _start(self, event: TrialStarted) -> None:
        if self.first_trial is None:
            self.first_trial = self.clock()
        before = self.trials.pop(event.trial_key, None)
        row = Row(event.name, event.phase, event.parameters)
        if before is not None:  # a retry goes on where its trial was
            row.epoch, row.accuracy = before.epoch, before.accuracy
        self.trials[event.trial_key] = row

    def _row(self, key: str) -> Row:
        return self.trials.setdefault(key, Row(key, SEARCH, {}))

    def _epoch(self, event: EpochReported) -> None:
        row = self._row(event.trial_key)
        row.epoch = event.epoch
        row.accuracy = event.metrics.get(ACCURACY, row.accuracy)

    def _end(self, event: TrialEnded) -> None:
        row = self._row(event.trial_key)
        row.state, row.reason = event.state, event.reason
        row.accuracy = event.metrics.get(ACCURACY, row.accuracy)
        row.test_accuracy = event.metrics.get(TEST_ACCURACY)


def duration(seconds: float) -> str:
    """Return `42 s`, `3 min` or `1 h 20 min`."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def short_value(name: str, value: Any) -> str:
    """Return a parameter's value in a few characters; a term of weight 0 is off."""
    if value is None:
        return "–"
    return "off" if name.endswith(".weight") and value == 0 else number(value)
