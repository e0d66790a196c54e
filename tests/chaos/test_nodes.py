"""Workers, nodes and the head of a Ray cluster are killed under a running sweep."""

from random import Random

import pytest

from tests.chaos.campaign import Campaign
from tests.chaos.cluster import running_cluster
from tests.chaos.moments import comes, drawn
from tests.chaos.whole import assert_alike

pytestmark = [pytest.mark.chaos, pytest.mark.ray, pytest.mark.long, pytest.mark.timeout(2400)]

AT_WORK = ("epoch", "checkpoint", "report")
"""A confirmation that is waited for would leave too little of the sweep for further wounds."""
RETRIES = "execution.retries=20"
"""Of one trial: the moments are drawn, and several may fall into the same one."""
HEAD_GONE_SECONDS = 120


@pytest.fixture
def cluster():
    with running_cluster(head=3) as started:
        yield started


def campaign_on(cluster, storage, *settings):
    return Campaign(storage, *settings, RAY_ADDRESS=cluster.address, **cluster.environment)


@pytest.mark.parametrize("number", range(2))
def test_killed_workers_cost_their_trials_an_attempt_and_nothing_else(
    cluster, reference, seed, number, tmp_path
):
    generator = Random(f"worker {seed} {number}")
    wounded = campaign_on(cluster, tmp_path, RETRIES)
    with wounded.running() as driver:
        while len(wounded.wounds) < 6 and comes(
            moment := drawn(generator, AT_WORK, 4), wounded, driver
        ):
            for worker in cluster.processes("head", "RayTrainWorker"):
                worker.kill()
                wounded.wounds.append(str(moment))
        assert driver.wait(600) == 0, wounded.log.read_text()[-4000:]
    assert len(wounded.wounds) == 6, wounded
    assert_alike(wounded, reference)
    assert cluster.held() == {}


@pytest.mark.parametrize("number", range(2))
def test_killed_drivers_leave_nothing_behind_on_a_cluster_that_lives_on(
    cluster, reference, seed, number, tmp_path
):
    generator = Random(f"driver on a cluster {seed} {number}")
    wounded = campaign_on(cluster, tmp_path)
    for _ in range(4):
        moment = drawn(generator)
        with wounded.running() as driver:
            if not comes(moment, wounded, driver):
                break
            driver.kill()
            wounded.wounds.append(str(moment))
        assert cluster.held() == {}, wounded
    wounded.finish()
    assert_alike(wounded, reference)
    assert cluster.held() == {}


def test_a_worker_node_that_dies_is_replaced_by_another(reference, seed, tmp_path):
    generator = Random(f"node {seed}")
    with running_cluster(head=0, node0=1) as cluster:
        wounded = campaign_on(cluster, tmp_path, RETRIES)
        with wounded.running() as driver:
            for number in range(6):
                if not comes(moment := drawn(generator, AT_WORK, 4), wounded, driver):
                    break
                cluster.kill(f"node{number}")
                wounded.wounds.append(f"node{number} {moment}")
                cluster.start(f"node{number + 1}", 1)
            assert driver.wait(900) == 0, wounded.log.read_text()[-4000:]
        assert len(wounded.wounds) == 6, wounded
        assert_alike(wounded, reference)
        assert cluster.held() == {}


def test_a_head_that_dies_ends_the_sweep_which_goes_on_with_another_head(
    cluster, reference, seed, tmp_path
):
    generator = Random(f"head {seed}")
    wounded = campaign_on(cluster, tmp_path)
    for _ in range(4):
        with wounded.running() as driver:
            if not comes(moment := drawn(generator, AT_WORK, 4), wounded, driver):
                break
            cluster.kill("head")
            wounded.wounds.append(str(moment))
            assert driver.wait(HEAD_GONE_SECONDS) == 1, wounded.log.read_text()[-4000:]
        cluster.start("head", 3)
    assert len(wounded.wounds) == 4, wounded
    wounded.finish()
    assert_alike(wounded, reference)
