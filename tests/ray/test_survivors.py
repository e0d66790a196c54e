"""A driver that is killed takes its local Ray along."""

import signal
import subprocess
import sys

import psutil
import pytest

pytestmark = pytest.mark.ray

DRIVER = """
import sys
from fckd.config.campaign import ExecutionSettings
from fckd.sweep.cluster import connection
with connection(ExecutionSettings()):
    print("ready", flush=True)
    sys.stdin.readline()
"""


SOON = 50.0
"""Seconds; by themselves Ray's agents would stay for a minute."""


@pytest.fixture
def driver(monkeypatch):
    """A driver that is ready, and ends when it reads a line."""
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([sys.executable, "-c", DRIVER], text=True, **pipes) as started:
        try:
            assert started.stdout.readline() == "ready\n"
            yield started
        finally:
            started.kill()


def _family(driver):
    return psutil.Process(driver.pid).children(recursive=True)


def test_soon_after_a_kill_nothing_of_the_local_cluster_runs(driver):
    family = _family(driver)
    agents = [process for process in family if process.name().startswith("ray::")]
    assert len(agents) >= 2
    driver.send_signal(signal.SIGKILL)
    assert psutil.wait_procs(family, timeout=SOON)[1] == []


def test_a_driver_that_ends_by_itself_leaves_no_companion(driver):
    family = _family(driver)
    (companion,) = (process for process in family if "fckd.sweep.survivors" in process.cmdline())
    driver.stdin.write("end\n")
    driver.stdin.close()
    assert driver.wait(timeout=300) == 0
    assert not companion.is_running()
    assert psutil.wait_procs(family, timeout=SOON)[1] == []
