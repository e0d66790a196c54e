"""Device-hours: from allocation to release, whoever held them, whatever became of it."""

import pytest

from fckd.config.campaign import ExecutionSettings
from fckd.sweep.account import HOUR, RECENT, Account, devices_of, unit_of


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now

    def pass_hours(self, hours):
        self.now += hours * HOUR


@pytest.fixture
def clock():
    return Clock()


def test_devices_count_from_allocation_to_release(clock):
    account = Account(clock=clock)
    clock.pass_hours(1)
    account.allocate("group 0", 4)
    clock.pass_hours(0.5)
    account.release("group 0")
    clock.pass_hours(1)
    assert account.spent == pytest.approx(2)


def test_what_is_still_held_counts_up_to_now(clock):
    account = Account(clock=clock)
    account.allocate("teach skeleton", 2)
    clock.pass_hours(0.25)
    assert account.spent == pytest.approx(0.5)


def test_what_several_hold_at_a_time_adds_up_and_a_name_counts_once(clock):
    account = Account(clock=clock)
    for name in ("a", "b", "b"):
        account.allocate(name, 1)
    clock.pass_hours(1)
    account.release("a")
    account.release("a")
    clock.pass_hours(1)
    assert account.spent == pytest.approx(3)


def test_earlier_drivers_count_but_are_not_this_ones_own(clock):
    account = Account(limit=3, earlier=2, clock=clock)
    account.allocate("a", 1)
    clock.pass_hours(0.5)
    assert (account.own, account.spent) == (pytest.approx(0.5), pytest.approx(2.5))
    assert not account.exhausted
    clock.pass_hours(0.5)
    assert account.exhausted


def test_the_confirmation_is_kept_back_as_soon_as_enough_epochs_were_measured(clock):
    account = Account(limit=1.0, clock=clock)
    account.reserve(epochs=60, after=3)
    assert not account.exhausted
    account.measure(seconds=3000, devices=1)
    account.measure(seconds=30, devices=1)
    assert account.reserved == 0
    account.measure(seconds=15, devices=2)
    assert account.reserved == pytest.approx(0.5)
    account.allocate("a", 1)
    clock.pass_hours(0.49)
    assert not account.exhausted
    clock.pass_hours(0.02)
    assert account.exhausted
    account.reserve(0)
    assert not account.exhausted


def test_slow_first_epochs_say_little_of_what_the_confirmation_takes():
    account = Account(limit=1.0)
    account.reserve(epochs=1000, after=10)
    for seconds in (*[300] * 4, *[2] * 6):
        account.measure(seconds, devices=1)
    assert account.reserved * HOUR == pytest.approx(2000)


def test_where_trials_become_dearer_the_last_ones_tell():
    account = Account(limit=1.0)
    account.reserve(epochs=1)
    for seconds in (*[1] * 2 * RECENT, *[5] * RECENT):
        account.measure(seconds, devices=1)
    assert account.reserved * HOUR == pytest.approx(5)


def test_the_end_says_what_is_kept_back(clock):
    account = Account(limit=0.5, clock=clock)
    account.reserve(epochs=60)
    account.measure(seconds=30, devices=1)
    assert str(account.end("nothing is done")).startswith(
        "budget.device_hours: 0.00 of 0.5 are spent, 0.50 kept for the confirmation; nothing is"
    )


def test_without_a_limit_nothing_is_ever_exhausted(clock):
    account = Account(clock=clock)
    account.allocate("a", 1000)
    clock.pass_hours(1000)
    assert not account.exhausted


def test_gpus_count_where_there_are_any_else_cpus():
    on_cpus = ExecutionSettings(cpus_per_worker=2)
    on_gpus = ExecutionSettings(cpus_per_worker=2, gpus_per_worker=0.5)
    assert (devices_of(on_cpus, 3), unit_of(on_cpus)) == (6, "CPU-hours")
    assert (devices_of(on_gpus, 3), unit_of(on_gpus)) == (1.5, "GPU-hours")
