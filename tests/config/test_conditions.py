"""Conditions of parameters: those that can never be met are refused."""

import pytest

from fckd.config.conditions import met
from fckd.config.documents import validate
from fckd.config.space import Space
from fckd.errors import UserError

RATIO = {"low": 0.1, "high": 1.0}
LOGITS = "objective.logits.weight"

REFUSED = [
    ({"training.epochs": 5}, "waits for training.epochs, which is not searched"),
    ({"focal.criterion": "random"}, "waits for focal.criterion = random, which it never is"),
    ({"focal.criterion": ["cam", "random"]}, "= random, which it never is"),
    ({"focal.criterion": "on"}, "= on, which it never is"),
    ({LOGITS: 17}, f"{LOGITS} = 17, which it never is"),
    ({"focal.ratio": "on"}, "focal.ratio waits for focal.ratio"),
]


def with_condition(document, name, when):
    parameters = document["search"]["parameters"]
    parameters[name] = parameters[name] | {"when": when}
    return document


@pytest.mark.parametrize(("when", "reason"), REFUSED)
def test_a_condition_that_can_never_be_met_is_refused(document, when, reason):
    with pytest.raises(UserError) as caught:
        validate(Space, with_condition(document, "focal.ratio", when), "space.yaml")
    assert reason in caught.value.given


def test_parameters_that_wait_for_each_other_are_refused(document):
    with_condition(document, "focal.ratio", {"focal.criterion": "cam"})
    with_condition(document, "focal.criterion", {"focal.ratio": "on"})
    with pytest.raises(UserError, match="go in a circle"):
        validate(Space, document, "space.yaml")


def test_conditions_that_exclude_each_other_are_refused(document):
    with_condition(document, LOGITS, {"focal.criterion": "magnitude"})
    with_condition(document, "focal.ratio", {"focal.criterion": "cam", LOGITS: "on"})
    reason = "focal.ratio waits for values of focal.criterion that exclude each other"
    with pytest.raises(UserError, match=reason):
        validate(Space, document, "space.yaml")


def test_of_several_values_those_are_met_that_the_conditions_have_in_common(document):
    with_condition(document, LOGITS, {"focal.criterion": "cam"})
    with_condition(document, "focal.ratio", {"focal.criterion": ["magnitude", "cam"], LOGITS: "on"})
    parameters = validate(Space, document, "space.yaml").search.parameters
    values = met(parameters, "focal.ratio")
    assert values["focal.criterion"] == "cam"
    assert parameters[LOGITS].meets(values[LOGITS], "on")
    assert met(parameters, "focal.criterion") == {}


def test_a_term_may_not_wait_for_its_own_options(document):
    document["search"]["parameters"]["objective.logits.temperature"] = {"choices": [1, 4]}
    with_condition(document, LOGITS, {"objective.logits.temperature": 4})
    with pytest.raises(UserError, match="go in a circle"):
        validate(Space, document, "space.yaml")


def test_a_space_in_which_something_waits_is_not_for_gaussian_processes(document):
    document["search"] |= {
        "sampler": "gp",
        "parameters": {
            "focal.ratio": RATIO | {"when": {"focal.criterion": "cam"}},
            "focal.criterion": {"choices": ["magnitude", "cam"]},
        },
    }
    with pytest.raises(UserError, match="some trials go without"):
        validate(Space, document, "space.yaml")
