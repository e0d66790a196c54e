import logging
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import fckd.tracking.tracker as tracker_module
from fckd.errors import UserError
from fckd.events import Progress, SweepStarted, TrialStarted
from fckd.tracking.addresses import fingerprint_of
from fckd.tracking.sink import Refused
from fckd.tracking.spool import EVENTS_FILE, REFUSED_FILE, Spool
from fckd.tracking.tracker import Tracker, open_tracker
from tests.ports import free_port
from tests.tracking.stories import (
    EXPERIMENT,
    SWEEP,
    Store,
    end,
    epoch,
    opening,
    start,
    whole_sweep,
)


class Notebook:
    """A sink that remembers, and fails as long as it is told to."""

    def __init__(self, failing=False):
        self.events = []
        self.failing = failing
        self.connections = 0

    def connect(self):
        self.connections += 1
        if self.failing:
            raise ConnectionError("http://me:hunter2@host: refused")
        return self.take

    def take(self, events):
        self.events += events


@pytest.fixture
def hurry(monkeypatch):
    """Shorten the pauses between attempts."""
    for name in ("FIRST_PAUSE_S", "LONGEST_PAUSE_S", "CLOSING_PAUSE_S"):
        monkeypatch.setattr(tracker_module, name, 0.01)


@pytest.fixture
def dead_server():
    """An address on which nothing listens."""
    return f"http://127.0.0.1:{free_port()}"


def test_events_arrive_in_order_and_progress_stays_on_the_terminal(tmp_path):
    notebook = Notebook()
    tracker = Tracker(Spool(tmp_path), notebook.connect)
    for event in whole_sweep():
        tracker(event)
        tracker(Progress("prepare", 1, 2))
    assert tracker.close(10) == 0
    assert notebook.events == whole_sweep()
    assert "Progress" not in (tmp_path / EVENTS_FILE).read_text()


@pytest.mark.parametrize(
    "event", [SweepStarted("demo"), TrialStarted("demo:0", "trial 0", "search")]
)
def test_an_event_without_a_time_gets_one_that_stays(tmp_path, event):
    notebook = Notebook()
    tracker = Tracker(Spool(tmp_path), notebook.connect)
    tracker(event)
    tracker.close(10)
    assert notebook.events[0].time == pytest.approx(time.time(), abs=60)


def test_a_sink_that_comes_back_gets_everything(tmp_path, hurry):
    notebook = Notebook(failing=True)
    tracker = Tracker(Spool(tmp_path), notebook.connect)
    for event in whole_sweep():
        tracker(event)
    while notebook.connections < 3:
        time.sleep(0.01)
    notebook.failing = False
    assert tracker.close(10) == 0
    assert notebook.events == whole_sweep()


def test_a_new_process_tells_its_sink_the_sweep_before_what_was_left(tmp_path):
    spool = Spool(tmp_path)
    for event in (opening(), start(0)):
        spool.append(event)
    spool.mark_shipped(*spool.waiting(1))
    notebook = Notebook()
    assert Tracker(Spool(tmp_path), notebook.connect).close(10) == 0
    assert notebook.events == [opening(), start(0)]


def test_a_long_failure_is_mentioned_once_and_without_the_password(
    tmp_path, hurry, monkeypatch, caplog
):
    monkeypatch.setattr(tracker_module, "PATIENCE_S", 0.05)
    notebook = Notebook(failing=True)
    with caplog.at_level(logging.WARNING):
        tracker = Tracker(Spool(tmp_path), notebook.connect)
        tracker(opening())
        assert tracker.close(0.5) == 1
    assert len(caplog.records) == 1
    assert "Training goes on" in caplog.text
    assert "hunter2" not in caplog.text


def test_an_event_that_is_refused_for_good_does_not_hold_up_the_rest(tmp_path, hurry):
    notebook = Notebook()

    def picky(events):
        if any(isinstance(event, TrialStarted) for event in events):
            raise Refused("name too long")
        notebook.take(events)

    tracker = Tracker(Spool(tmp_path), lambda: picky)
    story = [opening(), start(0), *(epoch(0, number) for number in range(1, 9))]
    for event in story:
        tracker(event)
    assert tracker.close(10) == 0
    left = [event for event in notebook.events if event != opening()]
    assert left == story[2:]
    assert "name too long" in (tmp_path / REFUSED_FILE).read_text()


def test_a_sink_that_fails_now_and_then_gets_everything_in_parts(tmp_path, hurry):
    notebook = Notebook()

    def frail(events):
        if len(events) > 2:
            notebook.take(events[:1])  # those before the one that failed were taken
            raise ConnectionError("reset")
        notebook.take(events)

    spool = Spool(tmp_path)
    story = [opening(), start(0), *(epoch(0, number) for number in range(1, 60)), end(0)]
    for event in story:
        spool.append(event)
    assert Tracker(spool, lambda: frail).close(20) == 0
    assert list(dict.fromkeys(map(repr, notebook.events))) == list(map(repr, story))


def test_a_dead_server_neither_blocks_nor_loses(tmp_path, store, dead_server):
    folder = tmp_path / "sweep"
    tracker = open_tracker(folder, dead_server, EXPERIMENT)
    began = time.monotonic()
    for event in whole_sweep():
        tracker(event)
    assert time.monotonic() - began < 0.5
    assert tracker.close(2) == len(whole_sweep())
    assert time.monotonic() - began < 8
    again = open_tracker(folder, store.uri, EXPERIMENT, store.artifacts)
    assert again.close(60) == 0
    assert {run.info.status for run in store.runs()} == {"FINISHED"}
    assert store.steps("trial 1", "validation/accuracy") == [1, 2, 3]


def test_shipping_the_whole_spool_again_doubles_nothing(tmp_path, store):
    folder = tmp_path / "sweep"
    tracker = open_tracker(folder, store.uri, EXPERIMENT, store.artifacts)
    for event in whole_sweep():
        tracker(event)
    assert tracker.close(60) == 0
    (folder / "events.shipped.json").unlink()
    assert open_tracker(folder, store.uri, EXPERIMENT, store.artifacts).close(60) == 0
    assert len(store.runs()) == 3
    assert store.steps("trial 0", "train/cross_entropy") == [1, 2, 3]


def test_another_store_is_told_the_whole_sweep(tmp_path, store, empty_store):
    """As when MLflow moves from a file to a server between two runs of a sweep."""
    folder, moved = tmp_path / "sweep", tmp_path / "moved.db"
    shutil.copyfile(empty_store, moved)
    tracker = open_tracker(folder, store.uri, EXPERIMENT, store.artifacts)
    for event in whole_sweep():
        tracker(event)
    assert tracker.close(60) == 0
    new = Store(f"sqlite:///{moved}", str(tmp_path / "others"))
    assert open_tracker(folder, new.uri, EXPERIMENT, new.artifacts).close(60) == 0
    assert {run.info.run_name for run in new.runs()} == {SWEEP, "trial 0", "trial 1"}
    assert new.steps("trial 1", "validation/accuracy") == [1, 2, 3]


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("https://me:hunter2@host:5000", "https://host:5000", True),
        ("postgresql://host/db?user=me&password=a", "postgresql://you@host/db", True),
        ("postgresql://host/db?password=my@word&host=/run", "postgresql://host/db?host=/run", True),
        ("https://host:5000", "https://host:5001", False),
        ("postgresql://host/db?host=/run", "postgresql://host/db?host=/var/run", False),
    ],
)
def test_a_store_is_told_from_another_whoever_asks(one, other, same):
    assert (fingerprint_of(one) == fingerprint_of(other)) == same


KILLED = """
import sys
from pathlib import Path
from fckd.tracking.tracker import open_tracker
from tests.tracking.stories import EXPERIMENT, end, epoch, opening, start
tracker = open_tracker(Path(sys.argv[1]), sys.argv[2], EXPERIMENT, sys.argv[3])
tracker(opening())
tracker(start(0))
for number in range(1, 601):
    tracker(epoch(0, number))
tracker(end(0))
print("spooled", flush=True)
tracker.close(60)
"""


@pytest.mark.chaos
def test_a_process_killed_while_shipping_loses_and_doubles_nothing(tmp_path, store):
    folder = tmp_path / "sweep"
    root = Path(__file__).parents[2]
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, folder, store.uri, store.artifacts],
        cwd=root,
        env={**os.environ, "PYTHONPATH": str(root)},
        stdout=subprocess.PIPE,
    )
    assert process.stdout.readline() == b"spooled\n"
    shipped = folder / "events.shipped.json"
    while not shipped.exists() or len(store.steps("trial 0", "validation/accuracy")) < 5:
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGKILL)
    process.wait()
    before = len(store.steps("trial 0", "validation/accuracy"))
    assert before < 600, "killed too late to show anything"
    assert open_tracker(folder, store.uri, EXPERIMENT, store.artifacts).close(60) == 0
    assert store.steps("trial 0", "validation/accuracy") == list(range(1, 601))
    assert {run.info.run_name for run in store.runs()} == {SWEEP, "trial 0"}
    assert store.run("trial 0").info.status == "FINISHED"


@pytest.mark.parametrize(
    ("address", "root"),
    [("./mlruns", None), ("ftp://host", "a"), ("mssql://host/db", "a"), ("sqlite:///a.db", None)],
)
def test_an_address_that_mlflow_cannot_use_is_refused_at_once(tmp_path, address, root):
    with pytest.raises(UserError):
        open_tracker(tmp_path, address, EXPERIMENT, root)


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://me:hunter2@host/db",
        "postgresql://host/db?user=me&password=hunter2",
        "postgresql://host?password=my@hunter2&user=me",
    ],
)
def test_the_refusal_of_an_address_hides_its_password(tmp_path, address):
    with pytest.raises(UserError) as refusal:
        open_tracker(tmp_path, address, EXPERIMENT)
    assert "hunter2" not in str(refusal.value)


def test_a_failed_trial_keeps_its_reason_without_secrets(tmp_path):
    notebook = Notebook()
    tracker = Tracker(Spool(tmp_path), notebook.connect)
    lost = "lost http://me:hunter2@host and postgresql://host/db?password=hunter2&user=me again"
    tracker(end(0, "failed", reason=lost))
    tracker.close(10)
    kept = "lost http://***@host and postgresql://host/db?password=***&user=me again"
    assert notebook.events[0].reason == kept
