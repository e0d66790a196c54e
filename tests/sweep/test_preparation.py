"""What is made before the first trial: all that a trial may ask for, and no more."""

from fckd.sweep.preparation import of_space
from tests.sweep.spaces import CORRELATION, searching

TEACHERS = {
    "skeleton": {"modality": "skeleton", "network": "temporal"},
    "inertial": {"modality": "inertial", "network": "temporal"},
}
ON = {CORRELATION: {"low": 0.5, "high": 2.0}}
DROPPED = {"teachers": TEACHERS, "weighting": {"weights": {"inertial": 0.0}}}


def taught_by(space):
    return {
        teacher for variant in of_space(space).variants.values() for teacher in variant.taught_by
    }


def test_a_teacher_that_the_space_drops_is_not_made():
    assert taught_by(searching(ON, experiment=DROPPED)) == {"skeleton"}


def test_a_dropped_teacher_that_the_search_may_take_back_is_made():
    weight = {"weighting.weights.inertial": {"low": 0.5, "high": 2.0, "may_be_off": True}}
    assert taught_by(searching({**ON, **weight}, experiment=DROPPED)) == set(TEACHERS)


def test_lessons_are_made_by_every_criterion_that_is_searched():
    criteria = {"focal.criterion": {"choices": ["cam", "random"]}}
    variants = of_space(searching({**ON, **criteria})).variants
    assert list(variants) == ["magnitude", "cam", "random"]
