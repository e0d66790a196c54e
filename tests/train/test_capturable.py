"""A step can be captured for a GPU: it asks for no number of a tensor, and brings none along.

As far as a CPU can tell: `.cpu()`, `.tolist()` and tensors that are made without a device are the
same there. tests/gpu holds the rest.
"""

from dataclasses import replace

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode

from fckd.config.experiment import identity
from fckd.train.graphs import may_be_graphed
from fckd.train.loop import distill
from fckd.train.step import Step
from fckd.train.study import teacher_study
from fckd.train.task import Task, launched_apart
from tests.train.kinds import KINDS, NETWORKS
from tests.train.small import changed, make

ASKING = (
    "_local_scalar_dense",
    "nonzero",
    "masked_select",
    "_unique2",
    "unique_dim",
    "unique_consecutive",
    "bincount",
)
BRINGING = ("lift_fresh",)


class Watch(TorchDispatchMode):
    """Notes what cannot be captured."""

    def __init__(self):
        super().__init__()
        self.found = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        name = func.overloadpacket.__name__
        indexed = args[1] if name in ("index", "index_put_") else ()
        by_mask = any(place is not None and place.dtype == torch.bool for place in indexed)
        if name in (*ASKING, *BRINGING) or by_mask:
            self.found.append(name)
        return func(*args, **(kwargs or {}))


@pytest.fixture
def watched(monkeypatch):
    """Every step but those that prove that a term teaches: the first under its conditions."""
    watch, step, calls, proved = Watch(), Step.__call__, [], set()

    def spied(self, *args, **kwargs):
        calls.append(self)
        conditions = getattr(self._module.student, "stage", None)
        if kwargs["measured"] and conditions not in proved:
            proved.add(conditions)
            return step(self, *args, **kwargs)
        with watch:
            return step(self, *args, **kwargs)

    monkeypatch.setattr(Step, "__call__", spied)
    yield watch.found
    assert len(calls) > 3


def run(workshop, fields):
    experiment = changed(fields)
    make(workshop, experiment)
    return list(distill(workshop.study(experiment, "train")))


@pytest.mark.parametrize("kind", KINDS)
def test_a_step_of_every_kind(workshop, watched, kind):
    run(workshop, KINDS[kind])
    assert watched == []


@pytest.mark.parametrize("network", NETWORKS)
def test_a_step_of_every_network(workshop, watched, network):
    run(workshop, {"student.modality": NETWORKS[network], "student.network": network})
    assert watched == []


def test_what_cannot_be_captured_is_seen():
    with Watch() as watch:
        values = torch.tensor([1.0, -1.0])
        float(values.sum())
        values[values > 0]
        values[values > 0] = 0.0
        values.unique()
    asked = ["lift_fresh", "_local_scalar_dense", "index"]
    assert watch.found[:3] == asked
    assert {"index_put_", "_unique2"} <= set(watch.found)


PLUG_IN = {"student.network": "somebody.nets:small"}


@pytest.mark.parametrize(
    ("fields", "graphed"),
    [
        ({}, True),
        (PLUG_IN, False),
        ({"student.modality": "rgb", "student.network": "r2plus1d"}, False),
        ({**PLUG_IN, "training.cuda_graph": True}, True),
        ({"training.cuda_graph": False}, False),
        ({"student.modality": "skeleton", "student.network": "heatmap3d"}, False),
        ({"objective.logits.decay": 0.9}, False),
        ({"objective.logits.decay": 0.9, "training.cuda_graph": True}, True),
        ({"training.mixup": 1.0, "training.cuda_graph": True}, False),
    ],
    ids=str,
)
def test_which_steps_are_graphs_where_there_is_a_gpu(workshop, fields, graphed):
    make(workshop, changed({}))
    study, experiment = workshop.study(changed({}), "train"), changed(fields)
    parts = {"network": experiment.student, "training": experiment.training}
    assert may_be_graphed(replace(study, objective=experiment.objective, **parts)) is graphed


@pytest.mark.parametrize("graph", [True, False])
def test_how_steps_are_launched_is_no_part_of_what_a_training_is(graph):
    launched = {"training.cuda_graph": graph, "teachers.depth.training.cuda_graph": graph}
    experiment = changed(launched)
    assert identity(experiment) == identity(changed({}))
    assert identity(experiment.teachers["depth"]) == identity(changed({}).teachers["depth"])
    assert identity(changed({"training.seed": 1})) != identity(changed({}))


@pytest.mark.parametrize(("asked", "then"), [(None, False), (True, None), (False, None)])
def test_a_refused_task_is_launched_apart_where_nobody_asked_for_a_graph(asked, then):
    described = changed({"training.cuda_graph": asked}).model_dump(mode="json")
    again = launched_apart(Task("a", described, "train", "/runs/a"))
    assert (again and again.experiment["training"]["cuda_graph"]) is then


def test_a_teachers_steps_are_graphs_only_if_that_was_asked_for(workshop):
    for asked in (None, True, False):
        teacher = changed({"teachers.depth.training.cuda_graph": asked}).teachers["depth"]
        division = workshop.division(changed({}))
        study = teacher_study(teacher, changed({}).views, workshop.corpus, division, "train")
        assert may_be_graphed(study) is bool(asked)
