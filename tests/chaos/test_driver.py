"""The driver is killed, again and again; the same command completes the sweep regardless."""

import os
import signal
import time
from random import Random

import psutil
import pytest

from tests.chaos.campaign import Campaign
from tests.chaos.moments import comes, drawn
from tests.chaos.whole import assert_alike, leaderboard, runs, trials, weights

pytestmark = [pytest.mark.chaos, pytest.mark.ray, pytest.mark.long, pytest.mark.timeout(2400)]

KILLS = 6
"""Of each sweep."""
GONE_SECONDS = 60.0


def test_the_same_seed_gives_the_same_sweep(reference, tmp_path):
    again = Campaign(tmp_path)
    again.finish()
    assert trials(again) == trials(reference)
    assert weights(again) == weights(reference)
    assert leaderboard(again) == leaderboard(reference)
    assert runs(again) == runs(reference)


@pytest.mark.parametrize("number", range(4))
def test_a_sweep_whose_driver_was_killed_again_and_again_ends_as_if_nothing_had_been(
    reference, seed, number, tmp_path
):
    generator = Random(f"driver {seed} {number}")
    wounded = Campaign(tmp_path)
    while len(wounded.wounds) < KILLS:
        moment = drawn(generator)
        with wounded.running() as driver:
            if not comes(moment, wounded, driver):
                assert driver.returncode == 0, wounded.log.read_text()[-4000:]
                continue  # the sweep was done before its moment came
            family = psutil.Process(driver.pid).children(recursive=True)
            os.kill(driver.pid, signal.SIGKILL)
            driver.wait()
            wounded.wounds.append(str(moment))
            assert_gone(family)
    wounded.finish()
    assert_alike(wounded, reference)


def assert_gone(family):
    """Ray's processes, which the driver had started, end by themselves."""
    deadline = time.monotonic() + GONE_SECONDS
    while left := [process for process in family if _lives(process)]:
        assert time.monotonic() < deadline, left
        time.sleep(0.2)


def _lives(process):
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
