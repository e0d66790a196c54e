"""Every recipe of the comparison with the neighbours trains, on the small world and without Ray."""

import math
from pathlib import Path

import pytest

from fckd.config.comparison import Comparison
from fckd.config.documents import read_document, validate
from fckd.sweep.arms import comparison_arms
from fckd.train.loop import distill
from fckd.train.workshop import Workshop
from tests.train.small import BASE

FILE = Path("comparisons/utd_mhad_neighbours.yaml")


def small_arms():
    document = read_document(FILE, smoke=True)
    document["experiment"]["corpus"] = BASE.corpus.model_dump(mode="json")
    arms = comparison_arms(validate(Comparison, document, str(FILE)))
    return {arm.name: arm.experiment for arm in arms}


ARMS = small_arms()
TAUGHT_BY = {
    "skeleton and frame fusion": ("frame",),
    "dual feature shift": ("shift",),
    "non-local fusion": ("non-local",),
    "FCKD and KD of two teachers": ("skeleton", "inertial"),
}


@pytest.fixture(scope="module")
def shared_workshop(tmp_path_factory, corpus):
    return Workshop(tmp_path_factory.mktemp("storage"), corpus.folder)


@pytest.mark.parametrize("name", ARMS)
def test_every_arm_is_taught_by_the_teachers_that_its_name_tells(name):
    assert ARMS[name].taught_by == TAUGHT_BY.get(name, ("skeleton",))


@pytest.mark.parametrize("name", ARMS)
def test_every_arm_trains_to_its_end(name, shared_workshop):
    experiment = ARMS[name]
    for teacher in experiment.taught_by if experiment.needs_lessons else ():
        list(shared_workshop.teach(experiment, teacher, "train"))
        list(shared_workshop.make_lessons(experiment, teacher, "train"))
    results = list(distill(shared_workshop.study(experiment, "train")))
    assert len(results) == experiment.training.epochs
    assert all(math.isfinite(value) for value in results[-1].metrics.values())
    taught = [result for result in results if "train/logits" in result.metrics]
    assert bool(taught) == experiment.objective.uses_lessons
