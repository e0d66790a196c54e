"""Ledgers: opened, driven to their end, and killed at any write."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import optuna
import pytest
from optuna.storages import RDBStorage
from optuna.trial import TrialState
from sqlalchemy import event

from fckd.sweep.ledger import Ledger, Point, key_of

NAME = "sweep"
POINTS = (Point("first", {"x": 0.25}, {}), Point("second", {"x": 0.75, "y": "b"}, {}))


def ready(address: str) -> RDBStorage:
    """Open tables that are there already: what makes opening slow is Optuna's look at them."""
    return RDBStorage(address, skip_compatibility_check=True, skip_table_creation=True)


class Killed(BaseException):
    """Stands for SIGKILL: no handler of the code under test may catch it."""


def die() -> None:
    raise Killed


class Mortal:
    """A ledger's storage whose process dies when it is about to commit the write number `at`."""

    def __init__(self, address: str, at: int, death: Callable[[], None] = die) -> None:
        self.at, self.death = at, death
        self.writes = 0
        self._wrote = False
        self.storage = ready(address)
        event.listen(self.storage.engine, "before_cursor_execute", self._execute)
        event.listen(self.storage.engine, "commit", self._commit)

    def _execute(self, _connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        self._wrote |= statement.lstrip().upper().startswith(("INSERT", "UPDATE", "DELETE"))

    def _commit(self, connection: Any) -> None:
        self.writes += self._wrote
        if self._wrote and self.writes == self.at:
            connection.connection.driver_connection.rollback()  # as the system does for the dead
            self.death()
        self._wrote = False


@dataclass
class Heard:
    """What a driver was handed and had told before it died."""

    fields: dict[str, dict[str, Any]] = field(default_factory=dict)
    told: set[str] = field(default_factory=set)


on_both = pytest.mark.parametrize(
    "new_storage",
    ["sqlite", pytest.param("postgresql", marks=pytest.mark.service)],
    indirect=True,
)
"""Runs a test once on each kind of ledger."""


def url(folder: Path) -> str:
    return f"sqlite:///{folder / 'ledger.db'}"


def draw(trial: optuna.Trial) -> dict[str, Any]:
    return {"x": trial.suggest_float("x", 0, 1), "y": trial.suggest_categorical("y", ["a", "b"])}


def at_random(_begun: int) -> optuna.samplers.BaseSampler:
    return optuna.samplers.RandomSampler()


def opened(storage, limit=5, points=POINTS, pruner=None, suggest=draw, sampler=at_random):
    return Ledger(
        storage, NAME, limit, suggest,
        sampler=sampler,
        pruner=pruner or optuna.pruners.NopPruner(),
        points=points,
    )  # fmt: skip


def begin(storage, heard, limit=5):
    """Open a ledger and work as a driver does: two at a time, some finished, pruned or failed."""
    ledger = opened(storage, limit)
    running = [_ask(ledger, heard) for _ in range(2)]
    for state in ("finished", "pruned", "failed"):
        asked = running.pop(0)
        ledger.report(asked.key, 1, 0.5)
        ledger.tell(asked.key, state, 0.5, "" if state == "finished" else "so it was")
        heard.told.add(asked.key)
        running.append(_ask(ledger, heard))
    return ledger


def complete(ledger, heard):
    """Finish everything that the ledger still asks for."""
    while (asked := ledger.ask()) is not None:
        before = heard.fields.setdefault(asked.key, dict(asked.fields))
        assert dict(asked.fields) == before, f"{asked.key} came back with other parameters"
        assert asked.key not in heard.told, f"{asked.key} had ended and was asked for again"
        ledger.tell(asked.key, "finished", 0.5)
        heard.told.add(asked.key)


def assert_whole(ledger, heard, limit=5):
    """Every trial ended once, under its own key; every point was tried once, as it was given."""
    states = {trial.state for trial in ledger.study.trials}
    assert not states & {TrialState.RUNNING, TrialState.WAITING}
    keys = [key_of(NAME, trial) for trial in ledger.ended]
    assert len(keys) == len(set(keys)) == limit
    assert set(heard.fields) <= set(keys), "a trial that was handed out is forgotten"
    for point in POINTS:
        tried = [t for t in ledger.ended if t.user_attrs.get("point") == point.identity]
        assert len(tried) == 1, f"the point {point.identity} was tried {len(tried)} times"
        assert tried[0].params.items() >= point.parameters.items()


def _ask(ledger, heard):
    asked = ledger.ask()
    heard.fields[asked.key] = dict(asked.fields)
    return asked
