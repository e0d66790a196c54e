"""A process that dies while MLflow makes its tables leaves nothing to stumble over."""

import signal
import subprocess
import sys
import time

import pytest

from fckd.tracking.mlflow_sink import MlflowSink
from fckd.tracking.new_database import make_database
from tests.tracking.stories import EXPERIMENT, SWEEP, Store, whole_sweep

MAKE = (
    "import sys; from fckd.tracking.new_database import make_database; make_database(sys.argv[1])"
)
SECONDS = 120


@pytest.mark.timeout(2 * SECONDS)
def test_a_kill_while_the_tables_are_made_costs_nothing(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'mlflow.db'}", str(tmp_path / "artifacts"))
    maker = subprocess.Popen([sys.executable, "-c", MAKE, store.uri])
    deadline = time.monotonic() + SECONDS
    while not list(tmp_path.glob(".*/mlflow.db")):
        assert maker.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.005)
    maker.send_signal(signal.SIGKILL)
    maker.wait()
    assert not (tmp_path / "mlflow.db").exists()
    sink = MlflowSink(store.uri, EXPERIMENT, store.artifacts)
    for event in whole_sweep(trials=1):
        sink([event])
    assert {run.info.run_name for run in store.runs()} == {SWEEP, "trial 0"}


def test_a_database_that_is_there_is_left_as_it_is(store, tmp_path):
    before = (tmp_path / "mlflow.db").read_bytes()
    make_database(store.uri)
    assert (tmp_path / "mlflow.db").read_bytes() == before
    assert not (tmp_path / "mlflow.db.lock").exists()


def test_a_server_makes_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    make_database("http://127.0.0.1:9")
    assert not list(tmp_path.iterdir())
