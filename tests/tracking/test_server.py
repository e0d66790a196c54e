import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import closing
from urllib.request import urlopen

import pytest

from fckd.events import SweepEnded
from fckd.tracking.mlflow_sink import find_run
from fckd.tracking.tracker import open_tracker
from tests.ports import free_port
from tests.tracking.stories import EXPERIMENT, SWEEP, Store, end, opening, trial

STARTS_WITHIN_S = 300


@pytest.fixture
def late_server(empty_store, tmp_path):
    """The address of an MLflow server, and what starts it."""
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    database = shutil.copyfile(empty_store, tmp_path / "server.db")
    processes = []

    def start():
        processes.append(
            subprocess.Popen(
                [sys.executable, "-m", "mlflow", "server", "--workers", "1",
                 "--backend-store-uri", f"sqlite:///{database}", "--serve-artifacts",
                 "--artifacts-destination", str(tmp_path / "served"),
                 "--host", "127.0.0.1", "--port", str(port)],
                cwd=tmp_path,
                env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
                stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
            )
        )  # fmt: skip

    yield address, start
    for process in processes:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for(address):
    deadline = time.monotonic() + STARTS_WITHIN_S
    while time.monotonic() < deadline:
        try:
            with closing(urlopen(f"{address}/health")):
                return
        except OSError:
            time.sleep(0.2)
    pytest.fail("the MLflow server did not start")


@pytest.mark.service
def test_a_server_that_starts_late_gets_everything_and_nothing_is_printed(
    late_server, tmp_path, capfd
):
    address, start = late_server
    page = tmp_path / "report.html"
    page.write_text("<p>done</p>")
    tracker = open_tracker(tmp_path / "sweep", address, EXPERIMENT)
    table = end(0, confusion=((3, 1), (0, 4)), classes=("wave", "clap"), split="test")
    closing_event = SweepEnded(SWEEP, "finished", {}, {}, {"report.html": str(page)}, 300.0)
    for event in (opening(), *trial(0)[:-1], table, closing_event):
        tracker(event)
    start()
    wait_for(address)
    assert tracker.close(60) == 0
    store = Store(address, "")
    assert store.steps("trial 0", "validation/accuracy") == [1, 2, 3]
    assert {"confusion.png", "confusion.json"} <= store.files("trial 0")
    assert store.files(SWEEP, "report") == {"report/report.html"}
    assert find_run(address, "fckd.sweep", SWEEP) == store.run(SWEEP).info.run_id
    assert capfd.readouterr().out == ""
