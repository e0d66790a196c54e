"""Hopeless trials are ended early, judged by attempts that count."""

import pytest

from fckd.config.space import StoppingSettings
from fckd.sweep.stopping import FEWEST_FINISHED, pruner_of
from tests.sweep.ledgers import opened

MANY = 100


@pytest.fixture
def ledger(storage):
    def open_ledger(rule, grace=2, reduction=2):
        settings = StoppingSettings(rule=rule, grace_epochs=grace, reduction=reduction)
        return opened(storage, limit=MANY, points=(), pruner=pruner_of(settings))

    return open_ledger


def train(ledger, *values):
    """Report values from epoch 1 until the ledger says stop, tell so, and return the epochs."""
    key = ledger.ask().key
    for epoch, value in enumerate(values, start=1):
        if ledger.report(key, epoch, value):
            ledger.tell(key, "pruned", None)
            return epoch
    ledger.tell(key, "finished", values[-1])
    return len(values)


@pytest.mark.parametrize("rule", ["none", "halving", "median"])
def test_nothing_is_ended_before_the_grace_epochs_are_over(ledger, rule):
    running = ledger(rule, grace=3)
    for _ in range(FEWEST_FINISHED):
        train(running, 0.9, 0.9, 0.9)
    assert train(running, 0.1, 0.1) == 2


def test_without_a_rule_the_worst_trial_runs_to_its_end(ledger):
    running = ledger("none")
    for _ in range(FEWEST_FINISHED):
        train(running, 0.9, 0.9, 0.9)
    assert train(running, 0.1, 0.1, 0.1) == 3


# Halving


def test_halving_ends_what_is_not_among_the_best_of_its_rung(ledger):
    running = ledger("halving")
    assert train(running, 0.1, 0.5, 0.5, 0.5) == 4
    assert train(running, 0.1, 0.4, 0.9, 0.9) == 2
    assert train(running, 0.1, 0.6, 0.6, 0.6) == 4


def test_halving_asks_again_at_the_next_rung_and_not_between(ledger):
    running = ledger("halving")
    assert train(running, 0.5, 0.5, 0.9, 0.9, 0.9) == 5
    assert train(running, 0.5, 0.6, 0.1, 0.2, 0.9) == 4


def test_halving_lets_one_in_reduction_pass(ledger):
    running = ledger("halving", grace=1, reduction=3)
    for value in (0.1, 0.2, 0.3, 0.4, 0.5):
        train(running, value)
    assert train(running, 0.45, 0.45) == 2
    assert train(running, 0.44, 0.44) == 1


def test_halving_does_not_hold_a_trial_that_is_taken_up_again_against_itself(ledger):
    dying = ledger("halving", grace=1)
    dying.report(dying.ask().key, 1, 0.9)
    assert train(ledger("halving", grace=1), 0.5, 0.5, 0.5) == 3


def test_halving_judges_a_retry_that_goes_on_past_a_rung_by_its_first_report(ledger):
    running = ledger("halving")
    train(running, 0.5, 0.5, 0.5)
    key = running.ask().key
    assert running.report(key, 3, 0.4)


# Median


def test_median_ends_what_was_never_as_good_as_half_of_the_finished_trials(ledger):
    running = ledger("median")
    for value in (0.2, 0.4, 0.6, 0.8):
        train(running, value, value, value)
    assert train(running, 0.45, 0.45, 0.45) == 2
    assert train(running, 0.55, 0.55, 0.55) == 3


def test_median_waits_for_enough_finished_trials(ledger):
    running = ledger("median")
    for _ in range(FEWEST_FINISHED - 1):
        train(running, 0.9, 0.9)
    assert train(running, 0.1, 0.1, 0.1) == 3


def test_median_counts_a_trial_that_is_taken_up_again_once(ledger):
    dying = ledger("median")
    for _ in range(FEWEST_FINISHED - 1):
        dying.report(dying.ask().key, 2, 0.9)
    running = ledger("median")
    for _ in range(FEWEST_FINISHED - 1):
        assert train(running, 0.9, 0.9, 0.9) == 3
    assert train(running, 0.1, 0.1, 0.1) == 3


@pytest.mark.parametrize("rule", ["halving", "median"])
def test_what_was_ended_early_keeps_its_values(ledger, rule):
    running = ledger(rule)
    for _ in range(FEWEST_FINISHED):
        train(running, 0.9, 0.9)
    train(running, 0.2, 0.1)
    pruned = running.ended[-1]
    assert pruned.state.name == "PRUNED"
    assert pruned.intermediate_values == {1: 0.2, 2: 0.1}
