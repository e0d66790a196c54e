"""What fits on the nodes of a cluster: a worker is on one of them, a part of a GPU on one GPU."""

import pytest
import ray

from fckd.config.campaign import ExecutionSettings
from fckd.errors import UserError
from fckd.sweep.cluster import _check_resources, fitting, room

HEAD = {"memory": 4e9, "node:__internal_head__": 1.0}
"""Started with --num-cpus=0: such a node tells of no CPUs."""


def cpus(*each):
    return [{"CPU": float(count), "memory": 4e9} for count in each]


@pytest.fixture
def cluster_of(monkeypatch):
    """Return a function after which Ray tells of these nodes, and of one that has died."""

    def build(*nodes):
        told = [{"Alive": True, "Resources": node} for node in nodes]
        told.append({"Alive": False, "Resources": {}})
        monkeypatch.setattr(ray, "nodes", lambda: told)

    return build


@pytest.mark.parametrize(
    ("each", "nodes", "fits"),
    [
        (1, cpus(4, 2), 6),
        (8, cpus(4, 4, 4, 4), 0),
        (3, cpus(4, 4), 2),
        (3, [*cpus(4), HEAD], 1),
        (0.5, cpus(2), 4),
        (0.1, cpus(3), 30),
        (0.3333, cpus(1), 3),
        (0.00001, cpus(1), 10_000),
        (1, [], 0),
    ],
)
def test_workers_on_cpus_fit_whole_on_each_node(each, nodes, fits):
    assert fitting(nodes, ExecutionSettings(cpus_per_worker=each)) == fits


@pytest.mark.parametrize(
    ("gpus", "each", "fits"),
    [
        ([2], 1, 2),
        ([2], 0.6, 2),
        ([2], 0.5, 4),
        ([2, 1], 0.25, 12),
        ([4, 4], 3, 2),
        ([1, 1], 2, 0),
        ([0], 0.1, 0),
    ],
)
def test_a_part_of_a_gpu_is_of_one_gpu_and_several_are_of_one_node(gpus, each, fits):
    nodes = [{"CPU": 64.0, "GPU": float(count)} for count in gpus]
    assert fitting(nodes, ExecutionSettings(gpus_per_worker=each)) == fits


def test_a_worker_needs_its_cpus_and_its_gpu_on_the_same_node():
    nodes = [*cpus(64), {"CPU": 4.0, "GPU": 8.0}]
    assert fitting(nodes, ExecutionSettings(cpus_per_worker=2, gpus_per_worker=1)) == 2


def test_the_workers_of_a_group_may_be_on_several_nodes(cluster_of):
    cluster_of(*cpus(3, 3), HEAD)
    assert room(ExecutionSettings(workers=3)) == 2
    assert room(ExecutionSettings(workers=4, cpus_per_worker=1.5)) == 1
    assert room(ExecutionSettings(workers=4, cpus_per_worker=2)) == 0


def test_a_worker_that_no_node_can_hold_is_refused_and_told_what_fits(cluster_of):
    cluster_of(*cpus(4, 4, 4, 4))
    with pytest.raises(UserError) as refused:
        _check_resources(ExecutionSettings(cpus_per_worker=8))
    assert "1 workers with 8 CPU, 0 GPU each" in refused.value.given
    assert "at most 0" in refused.value.expected
    assert "16 CPU, 0 GPU on 4 nodes" in refused.value.expected


def test_a_group_that_would_have_to_share_a_gpu_for_which_there_is_no_part_left_is_refused(
    cluster_of,
):
    cluster_of({"CPU": 16.0, "GPU": 2.0})
    _check_resources(ExecutionSettings(groups=2, gpus_per_worker=0.6))
    with pytest.raises(UserError, match=r"3 workers with 1 CPU, 0\.6 GPU each"):
        _check_resources(ExecutionSettings(groups=3, gpus_per_worker=0.6))
