"""From a space to suggestions: what is off takes nothing with it into the search."""

import optuna
import pytest

from fckd.errors import UserError
from fckd.sweep.suggest import check_bounds, fixed, suggester
from tests.sweep.spaces import (
    CORRELATION,
    DISTRIBUTION,
    LOGITS,
    RATIO,
    TEMPERATURE,
    searching,
    space,
)

WEIGHT = {"low": 0.5, "high": 2.0, "may_be_off": True}
FOCAL_RATIO = {"low": 0.1, "high": 1.0}


def drawn_often(given, times=40):
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    return [suggester(given)(study.ask()) for _ in range(times)]


# Terms that are off


def test_a_term_that_is_off_has_weight_0_and_no_temperature():
    for fields in drawn_often(space()):
        assert (TEMPERATURE in fields) == (fields[DISTRIBUTION] > 0)


def test_terms_are_off_in_some_trials_and_on_in_others():
    weights = [fields[DISTRIBUTION] for fields in drawn_often(space())]
    assert 0 in weights
    assert any(0.3 <= weight <= 10 for weight in weights)


def test_a_term_that_may_not_be_off_never_is():
    given = searching({CORRELATION: {"low": 0.5, "high": 2.0}})
    assert all(fields[CORRELATION] >= 0.5 for fields in drawn_often(given))


def test_without_a_feature_term_no_focal_parameter_is_drawn():
    for fields in drawn_often(space()):
        assert (RATIO in fields) == bool(fields[CORRELATION] or fields[DISTRIBUTION])


@pytest.mark.parametrize("order", [(RATIO, CORRELATION), (CORRELATION, RATIO)])
def test_a_feature_term_that_the_base_leaves_out_is_no_reason_to_draw_focal_parameters(order):
    # the base experiment has neither correlation nor distribution, and only one is searched
    parameters = {RATIO: FOCAL_RATIO, CORRELATION: WEIGHT}
    given = searching({name: parameters[name] for name in order})
    for fields in drawn_often(given):
        assert (RATIO in fields) == (fields[CORRELATION] > 0)


def test_a_feature_term_of_the_base_that_is_not_searched_keeps_focal_parameters():
    objective = {"correlation": {"weight": 1.0}}
    given = searching({RATIO: FOCAL_RATIO, LOGITS: WEIGHT}, experiment={"objective": objective})
    assert all(RATIO in fields for fields in drawn_often(given))


def test_a_weight_without_a_switch_counts_as_a_feature_term_wherever_it_stands():
    weight = {"low": 0.5, "high": 2.0}
    for names in ((RATIO, CORRELATION), (CORRELATION, RATIO)):
        parameters = {name: FOCAL_RATIO if name == RATIO else weight for name in names}
        assert all(RATIO in fields for fields in drawn_often(searching(parameters)))


def test_a_weight_of_0_among_choices_is_no_feature_term():
    given = searching({RATIO: FOCAL_RATIO, CORRELATION: {"choices": [0.0, 1.0]}})
    for fields in drawn_often(given):
        assert (RATIO in fields) == (fields[CORRELATION] > 0)


# Values


def test_an_integer_range_gives_integers():
    given = searching({"training.epochs": {"low": 2, "high": 9, "integer": True}})
    epochs = [fields["training.epochs"] for fields in drawn_often(given)]
    assert all(type(value) is int for value in epochs)
    assert set(epochs) == set(range(2, 10))


def test_steps_and_choices_are_kept_to():
    given = searching(
        {
            RATIO: {"low": 0.25, "high": 1.0, "step": 0.25},
            "focal.criterion": {"choices": ["cam", "magnitude"]},
            CORRELATION: {"low": 0.5, "high": 2.0},
        }
    )
    found = drawn_often(given)
    assert {fields[RATIO] for fields in found} == {0.25, 0.5, 0.75, 1.0}
    assert {fields["focal.criterion"] for fields in found} == {"cam", "magnitude"}


# Points


def test_a_weight_of_0_maps_to_its_switch_being_off():
    assert fixed(space(), {CORRELATION: 0, DISTRIBUTION: 1.5}) == {
        f"{CORRELATION}.on": False,
        f"{DISTRIBUTION}.on": True,
        DISTRIBUTION: 1.5,
    }


def test_what_a_point_leaves_out_is_left_to_the_sampler():
    assert fixed(space(), {RATIO: 0.5}) == {RATIO: 0.5}


@pytest.mark.parametrize(
    "given",
    [
        {CORRELATION: 0, DISTRIBUTION: 0},
        {CORRELATION: 2.5, DISTRIBUTION: 0, RATIO: 0.5},
        {CORRELATION: 0, DISTRIBUTION: 3.0, TEMPERATURE: 4.0, RATIO: 1.0},
    ],
)
def test_a_point_comes_out_of_the_search_as_it_went_in(given):
    study = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=1))
    study.enqueue_trial(fixed(space(), given))
    assert suggester(space())(study.ask()) == given


# Bounds


@pytest.mark.parametrize(
    ("name", "parameter"),
    [
        (RATIO, {"low": 0.1, "high": 1.5}),
        (CORRELATION, {"low": -1.0, "high": 1.0}),
        ("focal.criterion", {"choices": ["cam", "prettiest"]}),
        ("training.epochs", {"low": 0, "high": 5, "integer": True}),
        ("training.batch_size", {"low": 2.5, "high": 8}),
        ("objective.correlation.wieght", {"low": 0.1, "high": 1.0}),
        ("nowhere", {"choices": [1, 2]}),
    ],
)
def test_bounds_that_the_experiment_refuses_are_found_before_anything_starts(name, parameter):
    with pytest.raises(UserError) as caught:
        check_bounds(searching({name: parameter}))
    assert f"search.parameters.{name} = " in caught.value.given


@pytest.mark.parametrize(
    ("parameter", "odd"),
    [({"choices": [16, 15]}, 15), ({"low": 8, "high": 32, "integer": True}, 9)],
)
def test_a_batch_that_does_not_divide_among_the_workers_is_found_before_anything_starts(
    parameter, odd
):
    given = searching({"training.batch_size": parameter}, execution={"workers": 2})
    with pytest.raises(UserError, match=rf"batch_size \({odd}\) must be a multiple"):
        check_bounds(given)


def test_a_bound_that_no_step_reaches_is_not_tried():
    batches = {"low": 8, "high": 33, "step": 8, "integer": True}
    check_bounds(searching({"training.batch_size": batches}, execution={"workers": 2}))


NETWORK, LAYERS = "student.network", "student.layers"
NETWORKS = {"choices": ["video", "r2plus1d", "tsm"]}


def test_what_depends_on_another_choice_is_tried_together_with_it():
    # the base has a video network, which has no variants of layers
    layers = {"choices": [18, 50], "when": {NETWORK: ["tsm", "r2plus1d"]}}
    check_bounds(searching({NETWORK: NETWORKS, LAYERS: layers}))


def test_what_depends_on_another_choice_is_refused_where_that_does_not_allow_it():
    layers = {"choices": [18, 50], "when": {NETWORK: "r2plus1d"}}
    with pytest.raises(UserError, match="r2plus1d has no variant of 50 layers") as refused:
        check_bounds(searching({NETWORK: NETWORKS, LAYERS: layers}))
    assert f"search.parameters.{LAYERS} = 50, {NETWORK} = 'r2plus1d': " in refused.value.given


def test_what_depends_on_another_choice_through_a_third_is_tried_with_both():
    dropout = {"low": 0.0, "high": 0.5, "when": {LAYERS: 34, LOGITS: "on"}}
    layers = {"choices": [18, 34], "when": {NETWORK: "r2plus1d"}}
    parameters = {NETWORK: NETWORKS, LAYERS: layers, "student.dropout": dropout, LOGITS: WEIGHT}
    check_bounds(searching(parameters))


def test_pretrained_weights_are_arms_of_a_comparison_and_not_searched():
    given = searching({"student.weights": {"choices": ["a.pth", "b.pth"]}})
    with pytest.raises(UserError, match="arms of a comparison"):
        check_bounds(given)


@pytest.mark.parametrize("field", ["image_side", "validation_share"])
def test_trials_of_a_search_share_corpus_and_division(field):
    given = searching({f"corpus.{field}": {"choices": [64, 128]}})
    with pytest.raises(UserError, match="one corpus and one division"):
        check_bounds(given)


@pytest.mark.parametrize("field", ["views.crop", "teachers.skeleton.dropout"])
def test_what_changes_lessons_is_searched_by_choices(field):
    given = {CORRELATION: WEIGHT, field: {"low": 0.0, "high": 0.3}}
    with pytest.raises(UserError, match="the first trial of each value trains teachers"):
        check_bounds(searching(given))
    check_bounds(searching(given | {field: {"choices": [0.0, 0.3]}}))
    check_bounds(searching(given, experiment={"teaching": "together"}))


def test_bounds_that_the_experiment_takes_pass():
    check_bounds(space())


# Teachers that are dropped

BOTH = {
    "skeleton": {"modality": "skeleton", "network": "temporal"},
    "inertial": {"modality": "inertial", "network": "temporal"},
}
SHARES = {f"weighting.weights.{name}": WEIGHT for name in BOTH}


def two_teachers(parameters):
    return searching(parameters, experiment={"teachers": BOTH})


def test_every_subset_of_the_teachers_is_drawn_but_the_empty_one():
    given = two_teachers({CORRELATION: {"low": 0.5, "high": 2.0}, **SHARES})
    drawn = drawn_often(given, times=60)
    subsets = {tuple(fields[name] > 0 for name in SHARES) for fields in drawn}
    assert subsets == {(True, True), (True, False), (False, True)}


def test_a_dropped_teacher_takes_no_other_with_it():
    for fields in drawn_often(two_teachers(SHARES)):
        assert set(fields) == set(SHARES)


def test_a_sibling_loss_that_is_off_has_no_options():
    parameters = {
        "objective.fitnet.weight": WEIGHT,
        "objective.fitnet.positions": {"low": 2, "high": 8, "integer": True},
    }
    for fields in drawn_often(searching(parameters)):
        assert ("objective.fitnet.positions" in fields) == (fields["objective.fitnet.weight"] > 0)


# Conditions

CRITERION = "focal.criterion"
CRITERIA = {"choices": ["cam", "gradient", "magnitude"]}
WEIGHTS = {CORRELATION: {"low": 0.5, "high": 2.0}, CRITERION: CRITERIA}


@pytest.mark.parametrize(
    ("wanted", "criteria"), [("cam", {"cam"}), (["cam", "gradient"], {"cam", "gradient"})]
)
def test_a_parameter_waits_for_a_value_of_another(wanted, criteria):
    given = searching({RATIO: FOCAL_RATIO | {"when": {CRITERION: wanted}}, **WEIGHTS})
    drawn = drawn_often(given)
    assert {fields[CRITERION] for fields in drawn if RATIO in fields} == criteria
    assert not [f for f in drawn if f[CRITERION] in criteria and RATIO not in f]


@pytest.mark.parametrize("on", ["on", True])
def test_a_parameter_waits_for_a_term_that_is_on(on):
    rate = {"low": 0.001, "high": 0.01, "when": {LOGITS: on}}
    for fields in drawn_often(searching({"training.learning_rate": rate, LOGITS: WEIGHT})):
        assert ("training.learning_rate" in fields) == (fields[LOGITS] > 0)


def test_a_term_that_waits_in_vain_is_neither_on_nor_off():
    given = searching({LOGITS: WEIGHT | {"when": {CRITERION: "cam"}}, **WEIGHTS})
    for fields in drawn_often(given):
        assert (LOGITS in fields) == (fields[CRITERION] == "cam")


def test_all_conditions_must_be_met_also_those_of_what_is_waited_for():
    parameters = {
        "training.weight_decay": FOCAL_RATIO | {"when": {RATIO: "on", LOGITS: "on"}},
        RATIO: FOCAL_RATIO | {"when": {CRITERION: "cam"}},
        LOGITS: WEIGHT,
        **WEIGHTS,
    }
    for fields in drawn_often(searching(parameters)):
        expected = fields[CRITERION] == "cam" and fields[LOGITS] > 0
        assert ("training.weight_decay" in fields) == expected
