"""`fckd stop`, `pause`, `resume` and `scale`: what a running campaign is asked."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from optuna.exceptions import StorageInternalError
from optuna.storages import RDBStorage
from sqlalchemy.exc import SQLAlchemyError

from fckd.cli.board import duration
from fckd.cli.inputs import settings
from fckd.errors import UserError
from fckd.sweep.control import (
    DRIVER,
    ENDED,
    GROUPS,
    PAUSE,
    STOP,
    Control,
    campaigns_called,
    is_alive,
)
from fckd.sweep.ledger_places import existing_ledger, reason, shown


def stop(name: str, storage: Path) -> str:
    """Ask a campaign to end after the current epochs; return what to tell the user."""
    sweep = _not_ended(name, storage)
    return sweep.ask(
        STOP,
        True,
        f"{sweep.campaign} was asked to stop: what runs ends after its current epoch and goes on "
        f"when the sweep is run again ({_place(sweep.driver)})",
    )


def pause(name: str, storage: Path) -> str:
    """Ask a campaign to start no trials; return what to tell the user."""
    sweep = _not_ended(name, storage)
    until = f"until `fckd resume {sweep.campaign}`"
    return sweep.ask(
        PAUSE, True, f"{sweep.campaign} starts no more trials {until}; what runs goes on"
    )


def resume(name: str, storage: Path) -> str:
    """Let a paused campaign start trials again; return what to tell the user."""
    sweep = _not_ended(name, storage)
    return sweep.ask(PAUSE, None, f"{sweep.campaign} starts trials again")


def scale(name: str, groups: int, storage: Path) -> str:
    """Ask a campaign to run so many trials at a time; return what to tell the user."""
    sweep = _not_ended(name, storage)
    driver = sweep.driver
    if not 1 <= groups <= driver["room"]:
        raise UserError(
            f"--groups {groups}",
            f"1 to {driver['room']}: the Ray cluster has room for no more groups of this sweep",
            "add nodes, or use fckd pause to run none",
        )
    goes = f"{sweep.campaign} goes from {driver['groups']} to {groups} trials at a time"
    return sweep.ask(GROUPS, groups, goes)


def open_control(name: str, storage: Path) -> tuple[str, Control]:
    """Return the id and the record of the campaign with the id `name`, or the newest of that name.

    Raises:
        UserError: There is none, nobody has driven it since records are kept, or the ledger does
            not answer.
    """
    ledger = existing_ledger(storage, settings().ledger_url)
    with answering(ledger):
        found, others = campaigns_called(name, ledger)
    if not found:
        raise UserError(
            f"no sweep called {name} has a record of who drives it in the ledger {shown(ledger)}",
            f"one of: {', '.join(others) or 'none yet'}",
            "give a name or an id; one that was just begun has a record when its corpus is there",
        )
    with answering(ledger):
        return found[-1], Control(ledger, found[-1])


@contextmanager
def answering(ledger: RDBStorage) -> Iterator[None]:
    """Say of a ledger that does not answer inside the block what it is.

    Raises:
        UserError: It does not.
    """
    try:
        yield
    except (StorageInternalError, SQLAlchemyError) as error:
        raise UserError(
            f"the ledger {shown(ledger)} does not answer: {reason(error)}",
            "the ledger that answered a moment ago",
            "look after its server (or its file), and run the same command again",
        ) from error


@dataclass(frozen=True)
class _Sweep:
    """A campaign that has not ended, as far as its record tells.

    Attributes:
        campaign: Its id.
        control: Its record.
        driver: What its driver said last.
        doubt: What to add to every answer; empty if the driver gave a sign of life lately.
    """

    campaign: str
    control: Control
    driver: dict[str, Any]
    doubt: str

    def ask(self, name: str, value: Any, answer: str) -> str:
        """Write the wish `name` down; return the answer to the user."""
        with answering(self.control.storage):
            self.control.write(name, value)
        return answer + self.doubt


def _not_ended(name: str, storage: Path) -> _Sweep:
    campaign, control = open_control(name, storage)
    with answering(control.storage):
        record, now = control.read(), time.time()
    end, driver = record.get(ENDED), record.get(DRIVER)
    if end is None and driver is not None:
        doubt = "" if is_alive(record, now) else _doubt(now - driver["seen"])
        return _Sweep(campaign, control, driver, doubt)
    given = f"no sign of life yet from the driver of {campaign}"
    if end is not None:
        given = f"{campaign} has ended: {end['state']} {duration(now - end['time'])} ago"
    raise UserError(given, "a sweep that is running", "run its command to go on with it")


def _doubt(silence: float) -> str:
    # Not refused: the clocks of two machines may differ. A later driver begins without wishes.
    return (
        f"\nBut by the clock of this machine its driver gave no sign of life for "
        f"{duration(silence)}: if it is dead, nothing comes of this, and its command goes on with "
        "the sweep"
    )


def _place(driver: dict[str, Any]) -> str:
    return f"process {driver['pid']} on {driver['host']}"
