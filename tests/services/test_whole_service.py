"""The whole service on hosts of its own, and a sweep that loses one of them and misses another.

`pytest -s tests/services/test_whole_service.py` prints how long it took, and its memory.
"""

import sys
import time

import pytest
from safetensors.numpy import load_file

from fckd.registry.store import Registry
from tests.chaos import whole
from tests.chaos.campaign import SETTINGS, Campaign
from tests.chaos.moments import Moment, comes
from tests.services.hosts import Host

pytestmark = [
    pytest.mark.ray,
    pytest.mark.service,
    pytest.mark.chaos,
    pytest.mark.long,
    pytest.mark.timeout(1800),
]

SWEEP_SECONDS = 1200
CUT_SECONDS = 20


@pytest.fixture(scope="module")
def reference(net, tmp_path_factory):
    """The same sweep on this machine alone, undisturbed; not run where there is no network."""
    campaign = Campaign(tmp_path_factory.mktemp("reference"))
    campaign.finish()
    return campaign


@pytest.fixture(scope="module")
def swept(service, session):
    """The sweep, which loses the host of its group, and later the network of the next one's."""
    began = time.monotonic()
    sweep, submitted = service.submit(*SETTINGS)

    def wound(epochs: int) -> Host:
        assert comes(Moment("epoch", epochs, 0.0), sweep, submitted), service.said()
        host = service.serving()
        host.cut()
        sweep.wounds.append(f"{host.name} after {len(sweep.events().splitlines())} events")
        return host

    lost = wound(3)
    lost.kill()
    service.workers.remove(lost)
    service.add_worker("worker3", session())
    memory = service.mebibytes()
    missed = wound(3)
    time.sleep(CUT_SECONDS)
    missed.join()
    assert submitted.wait(SWEEP_SECONDS) == 0, service.said()
    took = time.monotonic() - began
    sys.stdout.write(f"\n{sweep}: {took:.0f} s; MiB {memory}, {sum(memory.values())} in all\n")
    return sweep


@pytest.fixture
def member(service, monkeypatch):
    """This process as a member of the team, who reaches the tracking server."""
    for name, value in service.tracking.environment.items():
        monkeypatch.setenv(name, value)


def test_the_champion_is_that_of_the_undisturbed_sweep(swept, reference, member, tmp_path):
    students = [
        load_file(Registry(sweep.tracking).pull("demo", tmp_path / name) / "model.safetensors")
        for name, sweep in (("ours", swept), ("theirs", reference))
    ]
    ours, theirs = students
    assert ours.keys() == theirs.keys()
    assert all((ours[name] == theirs[name]).all() for name in ours), swept
    assert whole.leaderboard(swept) == whole.leaderboard(reference), swept


def test_the_ledger_has_every_trial_of_the_undisturbed_sweep(swept, reference):
    assert whole.trials(swept) == whole.trials(reference), swept


def test_mlflow_has_every_run_once_and_whole(swept, reference, member):
    assert whole.runs(swept) == whole.runs(reference), swept
    assert whole.versions(swept) == 1


def test_nothing_is_held_when_the_sweep_has_ended(swept, service):
    assert service.held() == {}, swept
