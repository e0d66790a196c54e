"""How a space is searched: every sampler asks for trials of the space, and for none twice."""

import pytest

from fckd.errors import UserError
from fckd.sweep.phases import Search
from tests.sweep.ledgers import ready
from tests.sweep.spaces import CORRELATION, LOGITS, RATIO, searching

NUMBERS = {RATIO: {"low": 0.1, "high": 1.0}, LOGITS: {"low": 0.5, "high": 2.0, "log": True}}
FEW = {
    LOGITS: {"low": 1.0, "high": 2.0, "step": 1.0, "may_be_off": True},
    "objective.logits.temperature": {"choices": [1.0, 4.0]},
}
COMBINATIONS = [
    {LOGITS: 0.0},
    *({LOGITS: w, "objective.logits.temperature": t} for w in (1.0, 2.0) for t in (1.0, 4.0)),
]


@pytest.fixture
def search_in(tmp_path):
    def open_search(storage, parameters, sampler, trials, seed=0):
        correlation = {"correlation": {"weight": 1.0}}
        given = searching(
            parameters,
            sampler,
            experiment={"objective": correlation},
            budget={"trials": trials},
        )
        seeded = given.search.model_copy(update={"seed": seed})
        given = given.model_copy(update={"search": seeded})
        return Search(given, "small", ready(storage), tmp_path)

    return open_search


@pytest.fixture
def search(storage, search_in):
    def open_search(parameters, sampler, trials):
        return search_in(storage, parameters, sampler, trials)

    return open_search


def ended(search):
    """Finish every trial that the search asks for, and return their fields."""
    found = []
    while (asked := search.ledger.ask()) is not None:
        search.ledger.tell(asked.key, "finished", int(asked.key[-4:]) / 100)
        found.append(dict(asked.fields))
    return found


def in_any_order(points):
    return sorted(points, key=repr)


@pytest.mark.parametrize("sampler", ["tpe", "random", "cmaes", "gp"])
def test_a_sampler_draws_as_many_different_trials_as_the_budget_has(search, sampler):
    found = ended(search(NUMBERS, sampler, 7))
    assert len({repr(fields) for fields in found}) == 7
    assert all(0.1 <= fields[RATIO] <= 1 and 0.5 <= fields[LOGITS] <= 2 for fields in found)


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_a_search_taken_up_again_does_not_draw_its_first_trials_again(search, sampler):
    before = ended(search(NUMBERS, sampler, 3))
    phase = search(NUMBERS, sampler, 6)
    assert not [fields for fields in ended(phase) if fields in before]
    assert len(phase.ledger.study.trials) == 6, "trials were drawn in vain"


@pytest.mark.parametrize("sampler", ["tpe", "random"])
def test_the_same_point_is_never_trained_twice_and_an_exhausted_space_ends(search, sampler):
    found = ended(search(FEW, sampler, 30))
    assert len(found) <= len(COMBINATIONS)
    assert all(found.count(fields) == 1 for fields in found)


def test_a_point_that_is_running_is_not_drawn_beside_it(search):
    phase = search(FEW, "random", 4)
    found = [dict(phase.ledger.ask().fields) for _ in range(4)]
    assert all(found.count(fields) == 1 for fields in found)


@pytest.mark.parametrize("sampler", ["tpe", "random", "cmaes", "gp"])
def test_the_same_seed_and_the_same_answers_give_the_same_trials(new_storage, search_in, sampler):
    first, second = (ended(search_in(new_storage(n), NUMBERS, sampler, 12)) for n in "ab")
    assert first == second


def test_another_seed_gives_other_trials(new_storage, search_in):
    first, second = (
        ended(search_in(new_storage(seed), NUMBERS, "tpe", 4, seed=seed)) for seed in (0, 1)
    )
    assert not [fields for fields in first if fields in second]


# Grid


def test_a_grid_tries_every_combination_once_and_nothing_under_a_term_that_is_off(search):
    assert in_any_order(ended(search(FEW, "grid", 100))) == in_any_order(COMBINATIONS)


def test_a_grid_goes_on_where_a_smaller_budget_ended(search):
    first = ended(search(FEW, "grid", 2))
    rest = ended(search(FEW, "grid", 100))
    assert in_any_order(first + rest) == in_any_order(COMBINATIONS)


def test_a_grid_takes_both_ends_of_stepped_and_integer_ranges(search):
    parameters = {
        RATIO: {"low": 0.1, "high": 0.7, "step": 0.2},
        "training.epochs": {"low": 2, "high": 4, "integer": True},
    }
    found = ended(search(parameters, "grid", 100))
    assert sorted({round(fields[RATIO], 6) for fields in found}) == [0.1, 0.3, 0.5, 0.7]
    assert len(found) == 12
    assert {fields["training.epochs"] for fields in found} == {2, 3, 4}


def test_a_grid_too_large_to_be_listed_is_refused(search):
    parameters = {f"training.{name}": {"low": 1, "high": 200, "integer": True} for name in "abc"}
    with pytest.raises(UserError, match="more than 10000 points"):
        search(parameters, "grid", 5)


# What a sampler cannot search


@pytest.mark.parametrize(
    ("sampler", "parameters", "reason"),
    [
        ("grid", NUMBERS, f"a grid needs steps, and {RATIO} has none"),
        ("gp", FEW, f"some trials go without objective.logits.temperature, {LOGITS}"),
        ("cmaes", FEW, "two or more ranges that every trial has, and finds 0"),
    ],
)
def test_a_sampler_refuses_what_it_cannot_search(sampler, parameters, reason):
    with pytest.raises(UserError, match=reason):
        searching(parameters, sampler)


def test_focal_parameters_are_not_in_every_trial_if_their_terms_may_be_off():
    parameters = {
        RATIO: NUMBERS[RATIO],
        CORRELATION: {"low": 0.5, "high": 2.0, "may_be_off": True},
    }
    with pytest.raises(UserError, match=f"go without {RATIO}, {CORRELATION}"):
        searching(parameters, "gp")


def test_a_sampler_that_is_sure_of_its_best_point_still_tries_others(search):
    off = {"low": 0.5, "high": 2.0, "may_be_off": True}
    phase = search({CORRELATION: off, LOGITS: off}, "tpe", trials=16)
    tried = []
    while (asked := phase.ledger.ask()) is not None:
        nothing = not any(asked.fields.values())
        phase.ledger.tell(asked.key, "finished", 1.0 if nothing else 0.1)
        tried.append(asked.fields)
    assert {CORRELATION: 0.0, LOGITS: 0.0} in tried
    assert len(tried) == 16
