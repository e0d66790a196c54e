"""What a space may say, and that every mistake is told with its place."""

import pytest

from fckd.config.documents import set_field, validate
from fckd.config.experiment import Experiment
from fckd.config.objective import (
    CorrelationSettings,
    DistributionSettings,
    LogitSettings,
    ObjectiveSettings,
)
from fckd.config.parameters import RangeParameter
from fckd.config.space import Space
from fckd.errors import UserError

RATIO = {"low": 0.1, "high": 1.0}
VIDEO = {"modality": "skeleton", "network": "video"}
LOGARITHMIC = {"low": 0, "high": 1, "log": True}
STEPPED = {"low": 1, "high": 8, "integer": True, "step": 0.5}

MISTAKES = {
    "experiment.focal.ratio": [0, 1.5, -0.1, float("nan"), "half", None],
    "experiment.focal.ration": [0.5],
    "experiment.focal.criterion": ["loudest"],
    "experiment.student.modality": ["smell"],
    "experiment.student.width": [3, 64.5],
    "experiment.student.dropout": [1.0, -0.1],
    "experiment.teachers.Skeleton": [{"modality": "skeleton", "network": "temporal"}],
    "experiment.teachers.skeleton": [VIDEO, {"modality": "rgb", "network": "temporal"}, None],
    "experiment.teachers.skeleton.training.epochs": [0],
    "experiment.corpus.source": ["imagenet"],
    "experiment.corpus.validation_subjects": [[], "seven"],
    "experiment.corpus.synthetic.actions": [1, 13],
    "experiment.views.count": [0, 257],
    "experiment.objective.correlation.weight": [-1, float("inf")],
    "experiment.objective.distribution.temperature": [0],
    "experiment.objective.distribution.positions": [1],
    "experiment.objective.logits.temperature": [-4],
    "experiment.training.learning_rate": [0, "fast"],
    "experiment.training.batch_size": [1],
    "experiment.training.seed": [-1, 2**32],
    "name": ["", "Small", "a/b", "../up"],
    "search.parameters": [{}],
    "search.sampler": ["psychic"],
    "budget.trials": [0],
    "budget.minutes": [0],
    "stopping.rule": ["sometimes"],
    "stopping.reduction": [1],
    "execution.workers": [0],
    "execution.retries": [-1],
    "confirmation.seeds": [1],
    "colour": ["red"],
}

PARAMETERS = [
    ({"low": 1.0, "high": 1.0}, "must be less than high"),
    ({"low": 2.0, "high": 1.0}, "must be less than high"),
    (LOGARITHMIC, "needs low > 0"),
    ({"low": 1, "high": 8, "log": True, "step": 1}, "has no step"),
    ({"low": 0.5, "high": 8, "integer": True}, "integer bounds"),
    (STEPPED, "integer step"),
    ({"low": 0, "high": 1, "step": 0}, "step: "),
    ({"low": 0, "high": 1, "logg": True}, "logg: "),
    ({"choices": ["cam"]}, "choices: "),
    ({"choices": ["cam", "cam"]}, "given twice"),
    ({"choices": ["cam", "magnitude"], "low": 1}, "low: "),
    ("cam", "valid dictionary"),
]


def refusal(document):
    """Return the message of the one error that a document raises."""
    with pytest.raises(UserError) as caught:
        validate(Space, document, "space.yaml")
    return str(caught.value)


def complaints(message):
    return [line.strip() for line in message.splitlines() if line.startswith("  ")][:-2]


def test_a_valid_space_is_accepted(document):
    assert validate(Space, document, "space.yaml").name == "small"


@pytest.mark.parametrize(
    ("field", "value"), [(field, value) for field, values in MISTAKES.items() for value in values]
)
def test_a_mistake_is_one_complaint_that_names_its_field(document, field, value):
    set_field(document, field, value)
    found = complaints(refusal(document))
    assert len(found) == 1
    assert found[0].startswith(field)


def test_two_mistakes_are_both_told_at_once(document):
    set_field(document, "experiment.focal.ratio", 2)
    set_field(document, "budget.trials", 0)
    first, second = complaints(refusal(document))
    assert first.startswith("experiment.focal.ratio: ")
    assert second.startswith("budget.trials: ")


def test_what_was_given_is_shown_with_what_was_expected(document):
    set_field(document, "experiment.focal.ratio", 1.5)
    (found,) = complaints(refusal(document))
    assert "less than or equal to 1" in found
    assert "(given: 1.5)" in found


@pytest.mark.parametrize(("parameter", "reason"), PARAMETERS)
def test_a_wrong_parameter_is_one_complaint_with_its_reason(document, parameter, reason):
    document["search"]["parameters"] = {"focal.ratio": parameter}
    (found,) = complaints(refusal(document))
    assert found.startswith("search.parameters.focal.ratio")
    assert reason in found


def test_a_network_that_cannot_read_its_modality_is_told_which_one_can(document):
    document["experiment"]["student"] = VIDEO
    (found,) = complaints(refusal(document))
    assert found.startswith("experiment.student: skeleton is not read by 'video', but by temporal")


@pytest.mark.parametrize("term", ["correlation", "distribution", "logits"])
def test_a_weighted_term_needs_a_teacher(document, term):
    experiment = document["experiment"] | {"teachers": {}, "objective": {term: {"weight": 0.1}}}
    with pytest.raises(UserError, match="there is no teacher"):
        validate(Experiment, experiment, "experiment")


def test_a_student_alone_needs_no_teacher(document):
    experiment = document["experiment"] | {"teachers": {}, "objective": {}}
    assert not validate(Experiment, experiment, "experiment").objective.uses_lessons


def test_a_sweep_needs_a_teacher(document):
    document["experiment"] |= {"teachers": {}, "objective": {}}
    assert "experiment.teachers" in refusal(document)


def test_a_search_alone_needs_neither_teacher_nor_term(document):
    rates = {"training.learning_rate": {"low": 0.001, "high": 0.01}}
    set_field(document, "search.parameters", rates)
    set_field(document, "experiment", {**document["experiment"], "teachers": {}, "objective": {}})
    set_field(document, "confirmation.finalists", 0)
    assert validate(Space, document, "s").terms == frozenset()


def test_a_sweep_that_can_distil_plain_logits_only_has_nothing_to_confirm(document):
    del document["search"]["parameters"]["objective.correlation.weight"]
    with pytest.raises(UserError, match=r"add one, or set confirmation\.finalists: 0"):
        validate(Space, document, "s")


def test_a_batch_must_divide_among_the_workers(document):
    document["execution"] = {"workers": 3}
    message = refusal(document)
    assert "experiment.training.batch_size (8)" in message
    assert "execution.workers (3)" in message


@pytest.mark.parametrize(
    "point",
    [
        {"focal.ratio": 0.05},
        {"focal.ratio": 1.2},
        {"focal.ratio": 0},
        {"focal.ratio": "much"},
        {"focal.criterion": "variance"},
        {"objective.logits.weight": 5},
        {"training.epochs": 3},
    ],
)
def test_a_point_outside_the_space_is_refused_by_its_number_and_field(document, point):
    document["search"]["points"] = [{"focal.ratio": 0.5}, point]
    message = refusal(document)
    assert "search.points[1]" in message
    assert next(iter(point)) in message


def test_a_term_that_may_be_off_may_be_off_in_a_point(document):
    document["search"]["points"] = [{"objective.logits.weight": 0}]
    assert validate(Space, document, "space.yaml").search.points


def test_an_integer_parameter_holds_integers_only():
    parameter = RangeParameter(low=2, high=8, integer=True)
    assert parameter.contains(2)
    assert parameter.contains(8)
    assert not parameter.contains(2.5)


def test_a_stepped_parameter_holds_its_steps_only():
    parameter = RangeParameter(low=0.1, high=0.7, step=0.2)
    assert [value for value in (0.1, 0.2, 0.3, 0.5, 0.7, 0.9) if parameter.contains(value)] == [
        0.1,
        0.3,
        0.5,
        0.7,
    ]


def test_a_number_may_be_written_as_yaml_1_1_takes_for_a_word(document):
    set_field(document, "experiment.training.learning_rate", "1e-3")
    assert validate(Space, document, "s").experiment.training.learning_rate == 0.001


def test_an_experiment_cannot_be_changed_in_place(document):
    space = validate(Space, document, "space.yaml")
    with pytest.raises(ValueError, match="frozen"):
        space.experiment.focal.ratio = 0.9


def test_only_weighted_terms_ask_for_lessons():
    assert not ObjectiveSettings().uses_lessons
    logits = ObjectiveSettings(logits=LogitSettings(weight=1))
    assert logits.uses_lessons
    assert not logits.uses_features
    assert ObjectiveSettings(correlation=CorrelationSettings(weight=1)).uses_features
    assert ObjectiveSettings(distribution=DistributionSettings(weight=1)).uses_features


def test_the_modalities_are_those_of_student_and_teachers_in_a_fixed_order(document):
    assert validate(Space, document, "s").experiment.modalities == ("inertial", "skeleton")


@pytest.mark.parametrize("change", [{"warmup_epochs": 2}, {"decay": 0.9}])
def test_a_weight_that_changes_is_refused_for_a_student_with_stages(document, change):
    set_field(document, "experiment.student.hallucination", True)
    set_field(document, "experiment.stages", {"own": 1, "hallucination": 1})
    assert validate(Space, document, "s").experiment.stages
    set_field(document, "experiment.objective.logits", {"weight": 1.0, **change})
    assert "in which no teacher teaches" in refusal(document)
