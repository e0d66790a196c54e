"""The tracking server dies, refuses or hangs: training does not notice, and nothing is lost."""

import json
import statistics
from random import Random

import pytest

from tests.chaos.campaign import Campaign
from tests.chaos.moments import comes, drawn
from tests.chaos.tracking_server import tracking_server
from tests.chaos.whole import assert_alike

pytestmark = [
    pytest.mark.chaos,
    pytest.mark.ray,
    pytest.mark.service,
    pytest.mark.long,
    pytest.mark.timeout(2400),
]

AT_WORK = ("epoch", "report")


@pytest.mark.parametrize("number", range(6))
def test_a_killed_server_gets_everything_when_it_is_back(reference, seed, number, tmp_path):
    generator = Random(f"tracking {seed} {number}")
    with tracking_server(tmp_path) as server:
        wounded = Campaign(tmp_path, MLFLOW_TRACKING_URI=server.door.address)
        with wounded.running() as driver:
            moment = drawn(generator, AT_WORK)
            assert comes(moment, wounded, driver)
            server.kill()
            wounded.wounds.append(str(moment))
            server.start()
            assert driver.wait(600) == 0, wounded.log.read_text()[-4000:]
        wounded.finish()  # in case the sweep was done while the server was away
        assert_alike(wounded, reference)


@pytest.mark.parametrize("mode", ["refuse", "hang"])
def test_a_server_that_does_not_serve_neither_stops_nor_slows_training(reference, mode, tmp_path):
    with tracking_server(tmp_path) as server:
        wounded = Campaign(tmp_path, MLFLOW_TRACKING_URI=server.door.address)
        with wounded.running() as driver:
            assert comes(drawn(Random(0), ("epoch",)), wounded, driver)
            server.door.switch(mode)
            wounded.wounds.append(mode)
            before = len(wounded.events())
            assert comes(drawn(Random(1), ("confirming",)), wounded, driver)
            during = wounded.events()[before:]
            server.door.switch("pass")
            assert driver.wait(600) == 0, wounded.log.read_text()[-4000:]
        wounded.finish()
        assert_alike(wounded, reference)
        # Against the same sweep's epochs under a server that serves, for machines are noisy.
        after = wounded.events()[before + len(during) :]
        assert _seconds_an_epoch(during) < 2 * _seconds_an_epoch(after) + 0.05


def _seconds_an_epoch(events):
    """Return the median time from one epoch's report to the next of the same trial."""
    last, gaps = {}, []
    for event in map(json.loads, events.splitlines()):
        if event["event"] == "EpochReported":
            key, now = event["trial_key"], event["time"]
            if key in last:
                gaps.append(now - last[key])
            last[key] = now
    return statistics.median(gaps)
