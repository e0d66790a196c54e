"""What a sweep would take, from measured steps and counted runs."""

import os

import pytest

from fckd.config.documents import merge
from fckd.data.prepare import prepare
from fckd.sweep.plan import dearest, plan_of
from fckd.train import rehearsal
from fckd.train.workshop import Workshop
from tests.sweep.spaces import CORRELATION, LOGITS, searching
from tests.train.small import BASE, make

EXPERIMENT = BASE.model_dump(mode="json")
PARAMETERS = {CORRELATION: {"low": 0.5, "high": 2.0}}
HOUR = 3600


def space(**changes):
    return searching(PARAMETERS, **merge({"experiment": EXPERIMENT}, changes))


@pytest.fixture(autouse=True)
def brief(monkeypatch):
    monkeypatch.setattr(rehearsal, "SECONDS", 0.0)


@pytest.fixture(scope="module")
def corpus(tmp_path_factory):
    storage = tmp_path_factory.mktemp("corpus")
    return prepare(BASE.corpus, BASE.modalities, None, storage, lambda *_: None)


@pytest.fixture
def workshop(corpus, tmp_path):
    return Workshop(tmp_path / "storage", corpus.folder)


def stages(plan):
    return {stage.name: stage for stage in plan.stages}


def test_every_teacher_store_of_lessons_trial_and_confirmation_run_is_counted(workshop):
    found = stages(plan_of(space(confirmation={"finalists": 2, "seeds": 3}), workshop))
    assert {name: stage.runs for name, stage in found.items()} == {
        "teach skeleton": 2,
        "teach depth": 2,
        "lessons skeleton magnitude": 2,
        "lessons depth magnitude": 2,
        "search": 4,
        "confirmation": 12,
    }


def test_teachers_and_lessons_that_are_there_are_not_planned_again(workshop):
    for part in ("train", "train+validation"):
        make(workshop, BASE, part)
    assert list(stages(plan_of(space(), workshop))) == ["search", "confirmation"]


def test_devices_are_held_from_the_begin_of_a_stage_to_its_end(workshop):
    execution = {"groups": 2, "workers": 2, "cpus_per_worker": 3}
    search = stages(plan_of(space(execution=execution), workshop))["search"]
    assert search.device_hours == pytest.approx(search.seconds * 2 * 2 * 3 / HOUR)


def test_workers_that_share_a_core_are_slower(workshop):
    assert plan_of(space(execution={"groups": 4 * os.cpu_count()}), workshop).crowding > 1


@pytest.mark.parametrize(
    ("budget", "first"),
    [
        ({"trials": 1, "minutes": 1e6, "device_hours": 1e6}, "budget.trials"),
        ({"trials": 10**9, "minutes": 1.0, "device_hours": 1e6}, "budget.minutes"),
        ({"trials": 10**9, "minutes": 1e6, "device_hours": 1.0}, "budget.device_hours"),
    ],
)
def test_the_bound_that_ends_the_search_is_named_first(workshop, budget, first):
    plan = plan_of(space(budget=budget), workshop)
    assert plan.bounds[0].name == first
    assert len(plan.bounds) == 3
    assert stages(plan)["search"].runs == plan.bounds[0].trials


def test_device_hours_that_the_rest_needs_are_left_to_it(workshop):
    plan = plan_of(space(budget={"device_hours": 1e-9}), workshop)
    assert plan.bounds[0].trials == 0


def test_a_grid_ends_with_its_points(workshop):
    steps = {LOGITS: {"choices": [0.5, 1.0, 2.0]}}
    experiment = {"experiment": EXPERIMENT, "budget": {"trials": 50}}
    plan = plan_of(searching(steps, sampler="grid", **experiment), workshop)
    assert plan.bounds[0].trials == 3


def test_a_term_that_is_searched_counts_also_where_the_experiment_has_it_off():
    off = merge(
        {"experiment": EXPERIMENT}, {"experiment": {"objective": {"correlation": {"weight": 0.0}}}}
    )
    assert dearest(searching(PARAMETERS, **off)).objective.correlation.weight == 2.0


def test_searched_fields_on_which_the_cost_depends_are_named(workshop):
    width = {"student.width": {"low": 8, "high": 16, "integer": True}}
    wider = searching({**PARAMETERS, **width}, experiment=EXPERIMENT)
    assert plan_of(wider, workshop).varying == ("student.width",)


VIEWS = {**PARAMETERS, "views.crop": {"choices": [0.1, 0.2]}}


def test_searched_fields_whose_every_value_has_teachers_of_its_own_are_named(workshop):
    plan = plan_of(searching(VIEWS, experiment=EXPERIMENT), workshop)
    assert plan.varying == plan.retaught == ("views.crop",)


def test_teachers_that_learn_with_the_student_are_not_trained_for_other_values(workshop):
    together = merge({"experiment": EXPERIMENT}, {"experiment": {"teaching": "together"}})
    plan = plan_of(searching(VIEWS, **together), workshop)
    assert plan.varying == ("views.crop",)
    assert plan.retaught == ()
