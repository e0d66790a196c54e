"""Search and confirmation as ledgers: what is asked for, and who goes to the final."""

import pytest

from fckd.errors import Stopped
from fckd.sweep.arms import FCKD, LOGITS, STUDENT_ALONE
from fckd.sweep.phases import Search
from fckd.sweep.phases import confirmation as confirmation_of
from tests.sweep.ledgers import ready
from tests.sweep.spaces import CORRELATION, DISTRIBUTION, RATIO, searching, space
from tests.sweep.spaces import LOGITS as LOGITS_WEIGHT

ALONE = {CORRELATION: 0, DISTRIBUTION: 0}
ONE = {RATIO: 0.25, CORRELATION: 1.0, DISTRIBUTION: 0}
TWO = {RATIO: 0.5, CORRELATION: 2.0, DISTRIBUTION: 0}
THREE = {RATIO: 0.75, CORRELATION: 3.0, DISTRIBUTION: 0}
FINALISTS = [("small-0001", {RATIO: 0.25, CORRELATION: 1.0})]


@pytest.fixture
def search(storage, tmp_path):
    def open_search(*points, trials=None, finalists=1, hours=None):
        given = space(
            search={"points": points},
            budget={"trials": trials or max(1, len(points)), "device_hours": hours},
            confirmation={"finalists": finalists},
        )
        return Search(given, "small", ready(storage), tmp_path)

    return open_search


@pytest.fixture
def confirmation(storage, tmp_path):
    def open_confirmation(finalists=FINALISTS, **settings):
        given = space(confirmation=settings)
        return confirmation_of(given, "small", ready(storage), tmp_path, finalists)

    return open_confirmation


def end_all(search, *endings):
    """End the search's trials in order: a number is a value, a word a state.

    Each has reported that it is the best before.
    """
    for ending in endings:
        asked = search.ledger.ask()
        search.order(asked)
        search.ledger.report(asked.key, 1, 0.99)
        state = "finished" if isinstance(ending, float) else ending
        search.ledger.tell(asked.key, state, ending if state == "finished" else None)


def chosen(search):
    return [key for key, _ in search.finalists()]


def key_of(phase, arm):
    return phase.keys[phase.first(arm, 1000)]


def orders(phase):
    return [phase.order(asked) for asked in iter(phase.ledger.ask, None)]


# Search


def test_a_trial_is_trained_on_train_and_kept_under_its_key(search, tmp_path):
    (order,) = orders(search(ONE))
    assert order.task.part == "train"
    assert order.task.folder == str(tmp_path / "trials" / order.task.key)


def test_a_trial_has_the_fields_that_were_drawn_and_the_rest_of_the_base(search):
    (order,) = orders(search(ONE))
    experiment = order.task.experiment
    assert experiment["focal"]["ratio"] == 0.25
    assert experiment["objective"]["correlation"]["weight"] == 1.0
    assert experiment["objective"]["logits"]["weight"] == 0.7
    assert dict(order.parameters) == ONE


def test_no_more_points_are_tried_than_the_budget_allows(search):
    assert len(orders(search(ALONE, ONE, TWO, trials=2))) == 2


def test_a_point_that_is_written_anew_is_tried_and_the_others_are_not_again(search):
    end_all(search(ALONE, ONE), 0.5, 0.6)
    again = orders(search(TWO, ALONE, ONE, trials=3))
    assert [dict(order.parameters) for order in again] == [TWO]


def test_finalists_are_sorted_by_validation_best_first(search):
    phase = search(ONE, TWO, THREE, finalists=3)
    end_all(phase, 0.5, 0.9, 0.7)
    assert chosen(phase) == ["small-0001", "small-0002", "small-0000"]


def test_no_more_finalists_than_the_confirmation_asks_for(search):
    phase = search(ONE, TWO, THREE, finalists=2)
    end_all(phase, 0.5, 0.9, 0.7)
    assert chosen(phase) == ["small-0001", "small-0002"]


def test_equals_go_in_the_order_of_their_keys(search):
    phase = search(ONE, TWO, THREE, finalists=2)
    end_all(phase, 0.7, 0.7, 0.7)
    assert chosen(phase) == ["small-0000", "small-0001"]


def test_only_trials_with_more_than_plain_logits_are_finalists(search):
    phase = search(ALONE, ONE, finalists=2)
    end_all(phase, 0.99, 0.5)
    assert chosen(phase) == ["small-0001"]


def test_pruned_and_failed_trials_are_no_finalists(search):
    phase = search(ONE, TWO, THREE, finalists=3)
    end_all(phase, "pruned", "failed", 0.1)
    assert chosen(phase) == ["small-0002"]


def test_a_search_alone_has_no_finalists_but_its_finished_trials_best_first(search):
    phase = search(ALONE, ONE, TWO, finalists=0)
    end_all(phase, 0.5, "pruned", 0.9)
    assert chosen(phase) == []
    assert [trial.values for trial in phase.best_first()] == [[0.9], [0.5]]


def test_a_search_that_was_ended_stays_so_until_its_budget_or_its_points_change(search):
    phase = search(ONE, TWO, trials=2)
    assert not phase.was_ended
    phase.end()
    assert search(ONE, TWO, trials=2).was_ended
    assert not search(ONE, TWO, trials=3).was_ended
    assert not search(ONE, THREE, trials=2).was_ended


def test_a_confirmation_that_goes_on_with_more_device_hours_keeps_its_finalists(search):
    phase = search(ONE, TWO, hours=1)
    phase.end()
    with pytest.raises(Stopped), phase.confirmed_by(search(ONE)):
        raise Stopped(None)
    assert search(ONE, TWO, hours=2).was_ended
    assert not search(ONE, TWO, trials=3, hours=2).was_ended
    assert not search(ONE, THREE, hours=2).was_ended


def test_a_search_that_was_confirmed_goes_on_with_more_device_hours(search):
    phase = search(ONE, TWO, hours=1)
    phase.end()
    with phase.confirmed_by(search(ONE)):
        pass
    assert search(ONE, TWO, hours=1).was_ended
    assert not search(ONE, TWO, hours=2).was_ended


def test_a_confirmation_that_was_complete_before_it_was_asked_to_end_is_so_still(search):
    phase = search(ONE)
    end_all(phase, 0.5)
    phase.end()
    with pytest.raises(Stopped), phase.confirmed_by(phase):
        raise Stopped(None)
    assert search(ONE).was_ended
    assert not search(ONE, hours=2).was_ended


def test_what_epochs_took_is_known_to_a_driver_that_goes_on(search):
    phase = search(ONE)
    key = phase.ledger.ask().key
    for epoch in (1, 2, 3):
        phase.ledger.report(key, epoch, 0.5, last=epoch == 3)
    phase.ledger.tell(key, "finished", 0.5)
    (trial,) = phase.best_first()
    each = trial.duration.total_seconds() / 3
    assert list(search(ONE).epoch_seconds()) == pytest.approx([each] * 3)


def test_finalists_bring_the_fields_that_they_were_trained_with(search):
    phase = search(ONE)
    end_all(phase, 0.5)
    assert search(ONE).finalists() == [("small-0000", ONE)]


# What baselines are trained with

RATE, DROPOUT, WIDTH = "training.learning_rate", "student.dropout", "student.width"
WEIGHT = {"low": 0.1, "high": 5.0, "may_be_off": True}
TRAINED = {
    CORRELATION: WEIGHT,
    LOGITS_WEIGHT: WEIGHT,
    RATE: {"low": 0.001, "high": 0.1},
    DROPOUT: {"low": 0.0, "high": 0.5},
    WIDTH: {"choices": [32, 64]},
}


def point(correlation, logits, rate, dropout=0.0, width=32):
    return {
        CORRELATION: correlation,
        LOGITS_WEIGHT: logits,
        RATE: rate,
        DROPOUT: dropout,
        WIDTH: width,
    }


@pytest.fixture
def training_search(storage, tmp_path):
    def open_search(*points):
        given = searching(TRAINED, budget={"trials": len(points)})
        given = given.model_copy(
            update={"search": given.search.model_copy(update={"points": points})}
        )
        return Search(given, "small", ready(storage), tmp_path)

    return open_search


def test_each_baseline_brings_the_training_of_its_own_best_trial(training_search):
    phase = training_search(
        point(1.0, 1.0, 0.01), point(0, 0, 0.02), point(0, 0, 0.03), point(0, 1.0, 0.04, 0.5)
    )
    end_all(phase, 0.9, 0.5, 0.6, 0.7)
    assert phase.own_training(phase.finalists()[0][1]) == {
        STUDENT_ALONE: {RATE: 0.03, DROPOUT: 0.0},
        LOGITS: {RATE: 0.04, DROPOUT: 0.5},
    }


def test_a_trial_that_was_ended_early_or_of_another_student_says_nothing(training_search):
    phase = training_search(point(1.0, 0, 0.01), point(0, 0, 0.02), point(0, 0, 0.03, width=64))
    end_all(phase, 0.9, "pruned", 0.95)
    assert phase.own_training(phase.finalists()[0][1]) == {}


# Confirmation


def test_every_arm_is_trained_with_every_fresh_seed(confirmation):
    tags = [order.tags for order in orders(confirmation(seeds=3, first_seed=50))]
    found = {(tag["fckd.arm"], tag["fckd.seed"]) for tag in tags}
    expected = {(arm, seed) for arm in (STUDENT_ALONE, LOGITS, FCKD) for seed in ("50", "51", "52")}
    assert found == expected
    assert len(tags) == len(expected)


def test_all_arms_of_a_seed_come_before_the_next_seed(confirmation):
    seeds = [order.tags["fckd.seed"] for order in orders(confirmation(seeds=2))]
    assert seeds == ["1000"] * 3 + ["1001"] * 3


def test_confirmation_trains_on_train_and_validation_with_the_seed(confirmation):
    order = orders(confirmation())[-1]
    assert order.task.part == "train+validation"
    assert order.task.experiment["training"]["seed"] == int(order.tags["fckd.seed"])


def test_a_runs_folder_is_known_by_its_arm_and_seed(confirmation):
    phase = confirmation()
    for order in orders(phase):
        key = phase.keys[phase.first(order.tags["fckd.arm"], int(order.tags["fckd.seed"]))]
        assert order.task.key == key
        assert order.task.folder == str(phase.place(key))


def test_keys_are_unique(confirmation):
    finalists = [FINALISTS[0], ("small-0002", {CORRELATION: 2.0})]
    phase = confirmation(finalists, seeds=4)
    assert len(set(phase.keys.values())) == len(phase.keys) == 16


def test_a_confirmation_that_ended_is_not_run_again(confirmation):
    phase = confirmation()
    for order in orders(phase):
        phase.ledger.tell(order.task.key, "finished", 0.5)
    assert orders(confirmation()) == []


def test_more_seeds_add_only_the_new_ones(confirmation):
    phase = confirmation(seeds=2)
    for order in orders(phase):
        phase.ledger.tell(order.task.key, "finished", 0.5)
    assert {order.tags["fckd.seed"] for order in orders(confirmation(seeds=3))} == {"1002"}


def test_runs_of_other_seeds_do_not_count_as_done(confirmation):
    phase = confirmation(seeds=2, first_seed=1000)
    for order in orders(phase):
        phase.ledger.tell(order.task.key, "finished", 0.5)
    assert phase.done == phase.ledger.planned == 6
    afresh = confirmation(seeds=2, first_seed=2000)
    assert afresh.done == 0
    afresh.ledger.tell(afresh.ledger.ask().key, "finished", 0.5)
    assert (afresh.done, afresh.ledger.planned) == (1, 6)


def test_other_finalists_make_another_confirmation(confirmation):
    first = confirmation()
    second = confirmation([("small-0002", {RATIO: 0.25, CORRELATION: 2.0})])
    assert first.ledger.name != second.ledger.name
    assert key_of(first, FCKD) != key_of(second, FCKD)


def test_what_is_trained_the_same_way_is_the_same_run_in_every_confirmation(confirmation):
    first = confirmation()
    second = confirmation([("small-0002", {RATIO: 0.25, CORRELATION: 2.0})])
    assert key_of(first, STUDENT_ALONE) == key_of(second, STUDENT_ALONE)
    assert key_of(first, LOGITS) == key_of(second, LOGITS)


def test_the_same_finalists_open_the_same_confirmation(confirmation):
    assert confirmation().ledger.name == confirmation().ledger.name
