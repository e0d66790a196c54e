"""A search driven by curves that are known beforehand: what a sweep does, without the training.

The product's ledger is asked, hears every epoch and decides; an epoch is the unit of cost. Several
trials run at a time and take turns epoch by epoch, as asynchronous halving has it in a sweep.
"""

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from fckd.sweep.ledger import Ledger

CurveOf = Callable[[Mapping[str, Any]], Sequence[float]]
"""From a trial's searched fields to its validation accuracy after every epoch."""


@dataclass
class Replay:
    """What a search did with its epochs.

    Attributes:
        spent: Epochs, over all trials.
        finished: Trials that reached their last epoch.
        pruned: Trials that were ended before.
        improvements: (epochs spent, validation accuracy) whenever a finished trial was the best so
            far. A trial that was ended early has no score: a sweep never chooses it.
        asked: The searched fields of every trial, in the order of their beginning.
    """

    spent: int = 0
    finished: int = 0
    pruned: int = 0
    improvements: list[tuple[int, float]] = field(default_factory=list)
    asked: list[Mapping[str, Any]] = field(default_factory=list)

    def best_at(self, spent: int) -> float:
        """Return the best score when so many epochs were spent; 0 before the first."""
        return max((score for when, score in self.improvements if when <= spent), default=0.0)

    def reached(self, score: float) -> int | None:
        """Return the epochs spent until a finished trial had `score`, or None if none had."""
        return next((when for when, best in self.improvements if best >= score), None)


@dataclass(frozen=True)
class _Trial:
    key: str
    epochs: Iterator[tuple[int, float]]
    last: int


def replay(ledger: Ledger, curve_of: CurveOf, budget: int, groups: int) -> Replay:
    """Drive `ledger` until `budget` epochs are spent or it asks for nothing more.

    Args:
        ledger: Of a search that has not begun.
        curve_of: Tells how a trial's training would go.
        budget: Epochs.
        groups: Trials at a time.
    """
    done = Replay()
    running: deque[_Trial] = deque()
    while done.spent < budget:
        if len(running) < groups and (trial := _begin(ledger, curve_of, done)) is not None:
            running.append(trial)
        if not running:
            break
        trial = running.popleft()
        if _goes_on(ledger, trial, done):
            running.append(trial)
    return done


def _begin(ledger: Ledger, curve_of: CurveOf, done: Replay) -> _Trial | None:
    asked = ledger.ask()
    if asked is None:
        return None
    done.asked.append(asked.fields)
    curve = curve_of(asked.fields)
    return _Trial(asked.key, iter(enumerate(curve, start=1)), len(curve))


def _goes_on(ledger: Ledger, trial: _Trial, done: Replay) -> bool:
    """Let a trial train for one epoch; return whether there is another."""
    epoch, score = next(trial.epochs)
    done.spent += 1
    last = epoch == trial.last
    hopeless = ledger.report(trial.key, epoch, score, last=last)
    if last:
        ledger.tell(trial.key, "finished", score)
        done.finished += 1
        if score > done.best_at(done.spent):
            done.improvements.append((done.spent, score))
        return False
    if hopeless:
        ledger.tell(trial.key, "pruned", None)
        done.pruned += 1
    return not hopeless
