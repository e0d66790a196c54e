"""A driver that is killed takes its local Ray along."""

import signal
import subprocess
import sys

import psutil
import pytest

pytestmark = pytest.mark.ray

DRIVER = """
import time
from fckd.config.campaign import ExecutionSettings
from fckd.sweep.cluster import connection
with connection(ExecutionSettings()):
    print("ready", flush=True)
    time.sleep({seconds})
"""


def _start(seconds):
    return subprocess.Popen(
        [sys.executable, "-c", DRIVER.format(seconds=seconds)],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )


def _family(driver):
    assert driver.stdout.readline() == "ready\n"
    return psutil.Process(driver.pid).children(recursive=True)


def test_half_a_minute_after_a_kill_nothing_of_the_local_cluster_runs(monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with _start(seconds=600) as driver:
        family = _family(driver)
        agents = [process for process in family if process.name().startswith("ray::")]
        assert len(agents) >= 2
        driver.send_signal(signal.SIGKILL)
        assert psutil.wait_procs(family, timeout=30)[1] == []


def test_a_driver_that_ends_by_itself_leaves_no_companion(monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    with _start(seconds=0) as driver:
        family = _family(driver)
        assert driver.wait(timeout=60) == 0
        assert psutil.wait_procs(family, timeout=10)[1] == []
