"""The driver's presence: a thread that gives signs of life and carries out what it is asked."""

import logging
import os
import signal
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from types import TracebackType
from typing import Any, Self

import optuna
from optuna.storages import RDBStorage
from sqlalchemy.exc import DBAPIError

from fckd.config.campaign import Campaign
from fckd.errors import Stopped
from fckd.events import (
    EpochReported,
    Event,
    Listener,
    Standing,
    SweepEnded,
    TrialEnded,
    TrialStarted,
)
from fckd.sweep.account import Account, unit_of
from fckd.sweep.cluster import room
from fckd.sweep.control import (
    DRIVER,
    ENDED,
    PHASES,
    SPENT,
    STORAGE,
    Control,
    Wishes,
    spent_in,
)
from fckd.sweep.leader import Crew, halted
from fckd.sweep.lease import Lease
from fckd.sweep.ledger_places import reason
from fckd.sweep.phases import Phase, Repetitions
from fckd.sweep.signals import caught

LOOK_SECONDS = 1.0
SIGN_SECONDS = 10.0
GRACE_SECONDS = 10.0
"""After SIGTERM an epoch may take so long: most senders kill after 30 s."""

_log = logging.getLogger(__name__)


@contextmanager
def attended(
    campaign: Campaign,
    identity: str,
    place: str,
    lease: Lease,
    storage: RDBStorage,
    watch: Listener,
    device_hours: float | None = None,
) -> Iterator["Attendance"]:
    """Open the campaign's record and be present while the block lasts.

    Args:
        campaign: For its name and execution.
        identity: Its id.
        place: The address of its storage.
        lease: The right to drive it.
        storage: The ledger.
        watch: Hears when the wishes change.
        device_hours: That the campaign may spend.
    """
    execution = campaign.execution
    described = {
        "name": campaign.name,
        STORAGE: place,
        "isolation": execution.isolation,
        "unit": unit_of(execution),
        "device_hours": device_hours,
    }
    control = Control.open(storage, identity, described)
    account = Account(device_hours, earlier=spent_in(control.read()))
    there = partial(room, execution)
    with Attendance(control, execution.groups, watch, there, account, lease) as attendance:
        yield attendance


@contextmanager
def ending(identity: str, listener: Listener) -> Iterator[None]:
    """Tell the listener of an end before the end, so that no tracked run seems to go on."""
    try:
        yield
    except BaseException as error:
        listener(SweepEnded(identity, _ending(error), time=time.time()))
        raise


def _ending(error: BaseException) -> str:
    return "stopped" if isinstance(error, Stopped | KeyboardInterrupt) else "failed"


class Attendance:
    """Shows that the driver lives, and brings wishes to those who can fulfil them.

    Args:
        control: The campaign's record.
        groups: Trials at a time, as long as nobody asks for another number.
        watch: Hears when the wishes change; called by the attendance's own thread.
        room: Returns how many groups the cluster has room for.
        account: What the campaign spends.
        lease: The right to be the driver; None where nobody else can be.
    """

    def __init__(
        self,
        control: Control,
        groups: int,
        watch: Listener,
        room: Callable[[], int],
        account: Account | None = None,
        lease: Lease | None = None,
    ) -> None:
        self.account = account or Account()
        self._spent = f"{SPENT}{uuid.uuid4().hex[:8]}"
        self._control, self._groups, self._watch, self._room = control, groups, watch, room
        self._wishes, self._lease = Wishes(groups), lease
        self._running: dict[str, dict[str, Any]] = {}
        self._crew: Crew | None = None
        self._signal: int | None = None
        self._trouble = ""
        self._signalled = 0.0
        self._signed = 0.0
        self._troubled = False
        self._leaving = threading.Event()
        self._lock = threading.RLock()
        self._caught = caught((signal.SIGINT, signal.SIGTERM), self._take_signal)
        self._thread = threading.Thread(target=self._attend, name="fckd-attendance", daemon=True)

    def __enter__(self) -> Self:
        self.sign()
        self._caught.__enter__()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._caught.__exit__(kind, error, trace)
        self._leaving.set()
        self._thread.join()
        self._control.write(self._spent, self.account.own)
        state = "finished" if error is None else _ending(error)
        reason = str(error) if state == "failed" else ""
        self._control.write(ENDED, {"state": state, "reason": reason, "time": time.time()})

    @property
    def stopping(self) -> bool:
        """Whether no trial shall start any more."""
        return self._wishes.stop or self._signal is not None or bool(self._trouble)

    @property
    def may_start(self) -> int:
        """How many trials may run now."""
        return 0 if self._wishes.pause else self._wishes.groups or self._groups

    def check(self) -> None:
        """Raise `Stopped` if the driver was asked to end, `UserError` if it had to."""
        if self._trouble:
            raise halted(self._trouble)
        if self.stopping:
            raise Stopped(self._signal)

    def halt(self, trouble: str) -> None:
        """Take note that nothing can go on until a person has mended the machine."""
        self._trouble = self._trouble or trouble

    def __call__(self, event: Event) -> None:
        """Take note of the trials that run."""
        with self._lock:
            match event:
                case TrialStarted():
                    epochs = event.parameters.get("training.epochs")
                    self._running[event.trial_key] = {"name": event.name, "epochs": epochs}
                case EpochReported() if event.trial_key in self._running:
                    values = [v for k, v in event.metrics.items() if k.endswith("/accuracy")]
                    known = self._running[event.trial_key]
                    known |= {"epoch": event.epoch, **({"value": values[0]} if values else {})}
                case TrialEnded():
                    self._running.pop(event.trial_key, None)

    def enter(self, phase: Phase, minutes: float | None) -> None:
        """Write down that a phase begins, for `fckd status`."""
        phases = self._control.read()[PHASES]
        phases[phase.name] = {
            "study": phase.ledger.name,
            "keys": sorted(phase.keys.values()) if isinstance(phase, Repetitions) else None,
            "planned": phase.ledger.planned,
            "minutes": minutes,
            "since": time.time(),
        }
        self._control.write(PHASES, phases)

    def lead(self, crew: Crew | None) -> None:
        """Bring the wishes from now on to `crew`."""
        with self._lock:
            self._crew = crew

    def sign(self) -> None:
        """Give a sign of life, if this process is the driver still."""
        if self._lease is not None and not self._lease.holds():
            self._give_way()
        with self._lock:
            running = {key: dict(known) for key, known in self._running.items()}
        self._control.write(
            DRIVER,
            {
                "host": socket.gethostname(),
                "pid": os.getpid(),
                "seen": time.time(),
                "groups": self._wishes.groups,
                "room": self._room(),
                "running": running,
            },
        )
        self._control.write(self._spent, self.account.own)
        self._signed = time.monotonic()

    def look(self) -> None:
        """See what is asked, tell the watcher if it changed, and bring it to the crew."""
        asked = self._control.wishes()
        wishes = Wishes(asked.groups or self._groups, asked.stop or self.stopping, asked.pause)
        if wishes != self._wishes:
            self._wishes = wishes
            self._watch(Standing(wishes.groups or 0, stopping=wishes.stop, paused=wishes.pause))
            self.sign()
        with self._lock:
            if self._crew is not None:
                self._bring(self._crew)

    def _give_way(self) -> None:
        """End at once: a connection was cut, and before it was back another driver had begun.

        That one has taken over every trial; whatever this process still did would double them.
        """
        _log.error("another process drives this sweep now; this one ends")
        os._exit(1)

    def _bring(self, crew: Crew) -> None:
        if self.stopping:
            terminated = self._signal == signal.SIGTERM
            late = time.monotonic() - self._signalled > GRACE_SECONDS
            crew.interrupt(now=terminated and late)
        else:
            crew.resize(self._wishes.groups or self._groups)

    def _take_signal(self, number: int) -> None:
        if self._wishes.stop:
            raise KeyboardInterrupt
        # Only what a signal handler may do: the thread sees it at its next look.
        self._signal, self._signalled = number, time.monotonic()

    def _attend(self) -> None:
        while not self._leaving.wait(LOOK_SECONDS):
            try:
                self.look()
                if time.monotonic() - self._signed > SIGN_SECONDS:
                    self.sign()
                self._troubled = False
            except (optuna.exceptions.StorageInternalError, DBAPIError) as trouble:
                # A ledger that is locked or away for a moment must not end the driver's presence.
                if not self._troubled:
                    why = reason(trouble)
                    _log.warning("the ledger does not answer (%s); it is asked again", why)
                self._troubled = True
