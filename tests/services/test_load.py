"""Two hundred trials that report at once to a team's MLflow server, on real connections.

`pytest -s tests/services/test_load.py` prints how many events a second arrive.
"""

import resource
import sys
import time

import pytest
from mlflow.tracking import MlflowClient

from fckd.events import SweepEnded
from fckd.tracking.tracker import open_tracker
from tests.tracking.stories import SWEEP, end, epoch, opening, start

pytestmark = [pytest.mark.service, pytest.mark.long]

TRIALS, EPOCHS = 200, 5
NAME = "load"


def reports():
    """Yield every event of trials that run side by side."""
    yield opening()
    yield from (start(number) for number in range(TRIALS))
    for index in range(1, EPOCHS + 1):
        yield from (epoch(number, index) for number in range(TRIALS))
    yield from (end(number) for number in range(TRIALS))
    yield SweepEnded(SWEEP, "finished", {}, time=300.0)


def test_no_event_is_lost_nothing_piles_up_in_memory_and_nobody_waits(member, tmp_path):
    tracker = open_tracker(tmp_path / "sweep", member.address, NAME)
    before, waits = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, []
    began = time.perf_counter()
    for event in reports():
        called = time.perf_counter()
        tracker(event)
        waits.append(time.perf_counter() - called)
    told = time.perf_counter() - began
    assert tracker.close(1500) == 0
    took = time.perf_counter() - began
    sys.stdout.write(
        f"\n{len(waits)} events told in {told:.1f} s, shipped in {took:.0f} s: "
        f"{len(waits) / took:.1f} events/s; longest wait {1000 * max(waits):.0f} ms\n"
    )
    assert sorted(waits)[len(waits) // 2] < 0.01
    assert told < took / 5
    # MLflow's client is imported meanwhile, some 150 MiB; the events themselves are on disk.
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown < 400 * 1024
    assert kept(member.address) == {f"trial {number}": EPOCHS for number in range(TRIALS)}


def kept(address):
    """Return how many epochs MLflow has of every trial."""
    client = MlflowClient(address)
    experiment = client.get_experiment_by_name(NAME).experiment_id
    runs = client.search_runs([experiment], max_results=1000)
    assert all(run.info.status == "FINISHED" for run in runs)
    return {
        run.info.run_name: len(
            {value.step for value in client.get_metric_history(
                run.info.run_id, "train/cross_entropy")}
        )
        for run in runs
        if run.info.run_name != SWEEP
    }  # fmt: skip
