"""What is made before the first trial: all that a trial may ask for, and no more."""

from fckd.sweep.needs import variants_of
from tests.sweep.spaces import CORRELATION, HMDB51, searching

TEACHERS = {
    "skeleton": {"modality": "skeleton", "network": "temporal"},
    "inertial": {"modality": "inertial", "network": "temporal"},
}
ON = {CORRELATION: {"low": 0.5, "high": 2.0}}
DROPPED = {"teachers": TEACHERS, "weighting": {"weights": {"inertial": 0.0}}}


def hmdb51(*protocols):
    return searching(ON, experiment={"corpus": HMDB51}, confirmation={"protocols": protocols})


def taught_by(space):
    return {
        teacher
        for variants in variants_of(space).values()
        for variant in variants.values()
        for teacher in variant.taught_by
    }


def test_a_teacher_that_the_space_drops_is_not_made():
    assert taught_by(searching(ON, experiment=DROPPED)) == {"skeleton"}


def test_a_dropped_teacher_that_the_search_may_take_back_is_made():
    weight = {"weighting.weights.inertial": {"low": 0.5, "high": 2.0, "may_be_off": True}}
    assert taught_by(searching({**ON, **weight}, experiment=DROPPED)) == set(TEACHERS)


def test_a_search_alone_needs_nothing_of_what_a_confirmation_would():
    alone = searching(ON, confirmation={"finalists": 0})
    assert list(variants_of(alone)) == ["train"]


def test_where_no_trial_can_have_a_term_no_teacher_is_trained():
    rates = {"training.learning_rate": {"low": 0.001, "high": 0.01}}
    assert variants_of(searching(rates, experiment={"objective": {"logits": {"weight": 0}}})) == {}


def test_lessons_are_made_by_every_criterion_that_is_searched():
    criteria = {"focal.criterion": {"choices": ["cam", "random"]}}
    variants = variants_of(searching({**ON, **criteria}))
    for part in ("train", "train+validation"):
        assert list(variants[part]) == ["magnitude", "cam", "random"]


def test_under_several_protocols_the_confirmation_has_teachers_and_lessons_of_each():
    variants = variants_of(hmdb51("split-2", "split-3"))
    protocols = {
        part: [each.corpus.official_protocol for each in named.values()]
        for part, named in variants.items()
    }
    assert protocols == {"train": ["split-1"], "train+validation": ["split-2", "split-3"]}
