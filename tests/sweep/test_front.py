"""Students that no other beats in everything."""

import optuna
import pytest

from fckd.sweep.front import accuracy_of, spread, unbeaten


def trial(accuracy, *costs):
    return optuna.trial.create_trial(values=[accuracy, *costs])


def values(trials):
    return [tuple(trial.values) for trial in trials]


def test_what_another_beats_in_everything_is_left_out():
    trials = [trial(0.9, 100), trial(0.8, 200), trial(0.7, 50), trial(0.6, 50), trial(0.9, 120)]
    assert values(unbeaten(trials)) == [(0.9, 100), (0.7, 50)]


def test_of_equals_the_first_stays():
    trials = [trial(0.9, 100), trial(0.9, 100)]
    assert unbeaten(trials) == trials[:1]


def test_those_that_are_left_keep_their_order():
    trials = [trial(0.7, 50), trial(0.9, 100), trial(0.8, 60)]
    assert unbeaten(trials) == trials


def test_every_cost_counts():
    trials = [trial(0.9, 100, 5), trial(0.9, 90, 6), trial(0.9, 100, 7)]
    assert values(unbeaten(trials)) == [(0.9, 100, 5), (0.9, 90, 6)]


@pytest.mark.parametrize(
    ("count", "places"),
    [(1, [0]), (2, [0, 4]), (3, [0, 2, 4]), (5, [0, 1, 2, 3, 4]), (9, range(5))],
)
def test_a_choice_is_spread_from_first_to_last(count, places):
    trials = [trial(1 - n / 10, 10 - n) for n in range(5)]
    assert spread(trials, count) == [trials[place] for place in places]


def test_a_trial_without_an_outcome_has_no_accuracy():
    pruned = optuna.trial.create_trial(state=optuna.trial.TrialState.PRUNED)
    assert accuracy_of(pruned) is None
