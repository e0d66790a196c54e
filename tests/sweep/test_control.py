"""Asking a running campaign for something: the ledger is the channel, the driver's thread hears."""

import os
import signal
import time

import pytest

from fckd.errors import Stopped
from fckd.events import EpochReported, Standing, TrialEnded, TrialStarted
from fckd.sweep.attendance import Attendance, ending
from fckd.sweep.control import (
    DRIVER,
    ENDED,
    GROUPS,
    PAUSE,
    SILENCE_SECONDS,
    STOP,
    Control,
    Wishes,
    is_alive,
)
from tests.sweep.ledgers import ready

CAMPAIGN = "sweep-1"


class Workers:
    """A crew that keeps what it was told."""

    def __init__(self):
        self.told = []

    def resize(self, groups):
        self.told.append(groups)

    def interrupt(self, *, now):
        self.told.append("at once" if now else "after the epoch")


@pytest.fixture
def control(storage):
    return Control.open(ready(storage), CAMPAIGN, {"name": "sweep"})


@pytest.fixture
def heard():
    return []


@pytest.fixture
def attendance(control, heard):
    return Attendance(control, 2, heard.append, room=lambda: 4)


def elsewhere(storage):
    """The same record, as another process opens it."""
    return Control(ready(storage), CAMPAIGN)


# Requests


def test_without_requests_as_many_trials_run_as_the_space_says(attendance):
    attendance.look()
    assert (attendance.may_start, attendance.stopping) == (2, False)


def test_a_pause_is_heard_and_taken_back(attendance, storage, heard):
    elsewhere(storage).write(PAUSE, value=True)
    attendance.look()
    assert attendance.may_start == 0
    elsewhere(storage).write(PAUSE, value=None)
    attendance.look()
    assert attendance.may_start == 2
    assert heard == [Standing(2, paused=True), Standing(2)]


def test_another_number_of_groups_reaches_the_crew(attendance, storage, heard):
    workers = Workers()
    attendance.lead(workers)
    elsewhere(storage).write(GROUPS, 3)
    attendance.look()
    assert (attendance.may_start, workers.told) == (3, [3])
    assert heard == [Standing(3)]


def test_a_request_to_stop_interrupts_the_crew_and_ends_the_campaign(attendance, storage):
    workers = Workers()
    attendance.lead(workers)
    attendance.check()
    elsewhere(storage).write(STOP, value=True)
    attendance.look()
    assert workers.told == ["after the epoch"]
    with pytest.raises(Stopped) as stopped:
        attendance.check()
    assert stopped.value.signal_number is None


def test_a_new_driver_begins_without_the_requests_to_the_last_one(control, storage):
    for name in (STOP, PAUSE):
        control.write(name, value=True)
    control.write(GROUPS, 3)
    assert Control.open(ready(storage), CAMPAIGN, {"name": "sweep"}).wishes() == Wishes()


# Signals


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_first_signal_asks_to_stop_and_the_second_ends_at_once(attendance, number):
    def twice():
        with attendance:
            os.kill(os.getpid(), number)
            with pytest.raises(Stopped) as stopped:
                attendance.check()
            assert stopped.value.signal_number == number
            os.kill(os.getpid(), number)
            time.sleep(1)

    with pytest.raises(KeyboardInterrupt):
        twice()


def test_after_sigterm_an_epoch_that_takes_too_long_is_not_waited_for(attendance, monkeypatch):
    workers = Workers()
    with attendance:
        os.kill(os.getpid(), signal.SIGTERM)
        attendance.lead(workers)
        attendance.look()
        monkeypatch.setattr("fckd.sweep.attendance.GRACE_SECONDS", -1.0)
        attendance.look()
    assert workers.told[0] == "after the epoch"
    assert workers.told[-1] == "at once"


def test_signals_mean_what_they_meant_before_once_the_driver_has_ended(attendance):
    before = signal.getsignal(signal.SIGTERM)
    with attendance:
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before


# Signs of life


def test_the_driver_says_where_it_is_and_what_runs(attendance, control):
    attendance(TrialStarted("sweep-1-0000", "0000", "search", {"training.epochs": 9}))
    attendance(EpochReported("sweep-1-0000", 3, {"validation/accuracy": 0.5, "train/loss": 1.0}))
    attendance(TrialStarted("sweep-1-0001", "0001", "search"))
    attendance(TrialEnded("sweep-1-0001", "finished"))
    attendance.sign()
    said = control.read()[DRIVER]
    assert said["pid"] == os.getpid()
    assert said["room"] == 4
    assert said["running"] == {
        "sweep-1-0000": {"name": "0000", "epochs": 9, "epoch": 3, "value": 0.5}
    }


def test_a_driver_is_alive_while_it_gives_signs_and_not_after_its_end(attendance, control):
    with attendance:
        assert is_alive(control.read(), time.time())
        assert not is_alive(control.read(), time.time() + SILENCE_SECONDS + 1)
    assert not is_alive(control.read(), time.time())


@pytest.mark.parametrize(
    ("error", "state", "reason"),
    [
        (None, "finished", ""),
        (Stopped(None), "stopped", ""),
        (KeyboardInterrupt(), "stopped", ""),
        (ValueError("broken"), "failed", "broken"),
    ],
)
def test_the_record_says_how_the_campaign_ended(attendance, control, error, state, reason):
    def live():
        with attendance:
            if error is not None:
                raise error

    if error is None:
        live()
    else:
        with pytest.raises(type(error)):
            live()
    ended = control.read()[ENDED]
    assert (ended["state"], ended["reason"]) == (state, reason)


@pytest.mark.parametrize(("error", "state"), [(Stopped(15), "stopped"), (OSError(), "failed")])
def test_the_listener_hears_of_an_early_end(heard, error, state):
    with pytest.raises(type(error)), ending(CAMPAIGN, heard.append):
        raise error
    (ended,) = heard
    assert (ended.sweep, ended.state) == (CAMPAIGN, state)
