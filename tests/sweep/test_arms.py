"""What a confirmation compares: arms that are trained alike but for their terms."""

import pytest

from fckd.sweep.arms import FCKD, LOGITS, STUDENT_ALONE, arms
from tests.sweep.spaces import CORRELATION, DISTRIBUTION, RATIO, space

BEST = {
    RATIO: 0.25,
    CORRELATION: 2.0,
    DISTRIBUTION: 0.0,
    "objective.logits.weight": 1.5,
    "objective.logits.temperature": 6.0,
    "training.learning_rate": 0.01,
    "views.count": 3,
    "student.width": 32,
}
SECOND = {RATIO: 1.0, CORRELATION: 0.5, "training.learning_rate": 0.02}


@pytest.fixture
def found():
    given = arms(space().experiment, [("small-0003", BEST), ("small-0001", SECOND)])
    return {arm.name: arm for arm in given}


def without_objective(experiment):
    return experiment.model_dump(exclude={"objective"})


def test_the_student_alone_and_plain_logits_stand_before_the_finalists(found):
    assert list(found) == [STUDENT_ALONE, LOGITS, FCKD, f"{FCKD} 2"]


def test_baselines_are_trained_as_the_first_finalist_is(found):
    first = without_objective(found[FCKD].experiment)
    assert first["training"]["learning_rate"] == 0.01
    assert without_objective(found[STUDENT_ALONE].experiment) == first
    assert without_objective(found[LOGITS].experiment) == first


def test_a_baseline_that_the_search_has_trained_is_trained_as_suited_it_best():
    own = {STUDENT_ALONE: {"training.learning_rate": 0.03, "student.dropout": 0.4}}
    alone, logits, fckd = arms(space().experiment, [("k", BEST)], own)
    assert alone.experiment.training.learning_rate == 0.03
    assert alone.experiment.student.dropout == 0.4
    assert alone.experiment.student.width == 32
    assert alone.experiment.views.count == 3
    assert alone.parameters == own[STUDENT_ALONE]
    assert not alone.experiment.objective.uses_lessons
    assert without_objective(logits.experiment) == without_objective(fckd.experiment)


def test_the_student_alone_has_no_terms(found):
    objective = found[STUDENT_ALONE].experiment.objective
    assert not objective.uses_lessons


def test_plain_logits_have_the_weight_and_temperature_of_the_base_and_no_feature_terms(found):
    objective = found[LOGITS].experiment.objective
    assert not objective.uses_features
    assert (objective.logits.weight, objective.logits.temperature) == (0.7, 3.0)
    assert found[LOGITS].parameters == {
        "objective.logits.weight": 0.7,
        "objective.logits.temperature": 3.0,
    }


def test_plain_logits_have_weight_1_if_the_base_has_none():
    base = space(experiment={"objective": {"logits": {"weight": 0}}}).experiment
    logits = arms(base, [("k", BEST)])[1]
    assert logits.experiment.objective.logits.weight == 1


def test_a_finalist_has_everything_that_the_search_chose(found):
    experiment = found[FCKD].experiment
    assert experiment.focal.ratio == 0.25
    assert experiment.objective.correlation.weight == 2.0
    assert experiment.objective.logits.temperature == 6.0
    assert experiment.student.width == 32
    assert found[FCKD].parameters == BEST


def test_a_further_finalist_has_only_its_own_choices(found):
    second = found[f"{FCKD} 2"].experiment
    assert second.training.learning_rate == 0.02
    assert second.student.width == space().experiment.student.width


def test_a_finalist_without_focal_terms_is_called_by_its_terms():
    fields = {CORRELATION: 0.0, DISTRIBUTION: 0.0, "objective.logits.weight": 0.0}
    fields |= {"objective.ickd.weight": 1.0, "objective.attention_transfer.weight": 1.0}
    assert arms(space().experiment, [("k", fields)])[2].name == "attention transfer + ickd"


def test_finalists_name_the_trials_that_chose_them_and_baselines_none(found):
    keys = [arm.trial_key for arm in found.values()]
    assert keys == ["", "", "small-0003", "small-0001"]
