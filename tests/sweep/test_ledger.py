"""The only truth about a sweep: nothing is lost, doubled or forgotten, whenever a driver dies."""

import math
import signal
import subprocess
import sys

import optuna
import pytest
from optuna.trial import TrialState

from fckd.sweep.ledger import REASON, Point, key_of
from tests.sweep.ledgers import (
    NAME,
    POINTS,
    Heard,
    Killed,
    Mortal,
    assert_whole,
    begin,
    complete,
    on_both,
    opened,
    ready,
)

pytestmark = on_both

NEVER = 0


def ask_all(ledger):
    return list(iter(ledger.ask, None))


def keys(trials):
    return [key_of(NAME, trial) for trial in trials]


def attempts(ledger):
    return len(ledger.study.trials)


# Asking


def test_as_many_trials_are_asked_for_as_the_limit_allows(storage):
    assert len(ask_all(opened(storage, limit=5))) == 5


def test_points_come_first_with_their_parameters_and_what_they_leave_out_is_sampled(storage):
    first, second, _ = ask_all(opened(storage, limit=3))
    assert first.fields["x"] == 0.25
    assert first.fields["y"] in ("a", "b")
    assert second.fields == {"x": 0.75, "y": "b"}


def test_a_point_hands_its_attributes_and_its_own_key_to_the_trial(storage):
    point = Point("only", {}, {"trial_key": "arm-7", "seed": 7})
    asked = opened(storage, limit=1, points=[point]).ask()
    assert asked.key == "arm-7"
    assert asked.attributes["seed"] == 7


def test_keys_number_the_trials_in_the_order_in_which_they_began(storage):
    asked = ask_all(opened(storage, limit=4))
    assert [one.key for one in asked] == [f"{NAME}-{number:04d}" for number in range(4)]


# Telling


def test_a_finished_trial_is_told_complete_with_its_value(storage):
    ledger = opened(storage)
    ledger.tell(ledger.ask().key, "finished", 0.8)
    (trial,) = ledger.ended
    assert trial.state is TrialState.COMPLETE
    assert trial.value == 0.8


def test_a_pruned_trial_is_told_pruned_with_its_intermediate_values(storage):
    ledger = opened(storage)
    key = ledger.ask().key
    for epoch, value in enumerate((0.1, 0.2, 0.3), start=1):
        ledger.report(key, epoch, value)
    ledger.tell(key, "pruned", None)
    (trial,) = ledger.ended
    assert trial.state is TrialState.PRUNED
    assert trial.intermediate_values == {1: 0.1, 2: 0.2, 3: 0.3}


def test_a_trial_may_be_pruned_before_its_first_report(storage):
    ledger = opened(storage)
    ledger.tell(ledger.ask().key, "pruned", None)
    assert ledger.ended[0].state is TrialState.PRUNED


def test_a_failed_trial_keeps_the_reason_and_has_no_value(storage):
    ledger = opened(storage)
    ledger.tell(ledger.ask().key, "failed", 0.9, "the loss is infinite")
    (trial,) = ledger.ended
    assert trial.state is TrialState.FAIL
    assert trial.value is None
    assert trial.user_attrs[REASON] == "the loss is infinite"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, None])
def test_an_objective_that_is_no_number_is_fail_with_the_reason_and_the_sweep_goes_on(
    storage, value
):
    ledger = opened(storage, limit=2)
    ledger.tell(ledger.ask().key, "finished", value)
    ledger.tell(ledger.ask().key, "finished", 0.5)
    failed, finished = ledger.ended
    assert failed.state is TrialState.FAIL
    assert failed.user_attrs[REASON] == f"the objective is {value}"
    assert finished.state is TrialState.COMPLETE


def test_the_teller_hears_as_what_the_trial_was_kept(storage):
    ledger = opened(storage)
    told = ledger.tell(ledger.ask().key, "finished", math.nan)
    assert told == ("failed", "the objective is nan")
    assert ledger.tell(ledger.ask().key, "finished", 0.5) == ("finished", "")


def test_failed_and_pruned_trials_count_against_the_limit(storage):
    ledger = opened(storage, limit=3)
    for state in ("failed", "pruned", "finished"):
        ledger.tell(ledger.ask().key, state, 0.5)
    assert ledger.ask() is None


def test_a_report_that_is_no_number_is_not_kept_and_prunes_nothing(storage):
    ledger = opened(storage)
    key = ledger.ask().key
    assert ledger.report(key, 1, math.nan) is False
    ledger.tell(key, "pruned", None)
    assert ledger.ended[0].intermediate_values == {}


def test_a_hopeless_trial_is_asked_to_end_early(storage):
    pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=2)
    ledger = opened(storage, pruner=pruner)
    good, bad = ledger.ask(), ledger.ask()
    assert ledger.report(good.key, 1, 0.9) is False
    assert ledger.report(bad.key, 1, 0.1) is True


def test_after_its_last_epoch_there_is_nothing_to_save_and_a_trial_is_not_judged(storage):
    pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=2)
    ledger = opened(storage, pruner=pruner)
    good, bad = ledger.ask(), ledger.ask()
    ledger.report(good.key, 1, 0.9, last=True)
    assert ledger.report(bad.key, 1, 0.1, last=True) is False
    assert ledger.tell(bad.key, "finished", 0.1) == ("finished", "")
    assert ledger.ended[0].intermediate_values == {1: 0.1}


def test_a_hopeless_trial_is_pruned_at_its_rung_however_fast_it_runs_on(storage):
    pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=2)
    ledger = opened(storage, pruner=pruner)
    good, bad = ledger.ask(), ledger.ask()
    ledger.report(good.key, 1, 0.9)
    ledger.report(bad.key, 1, 0.1)
    assert ledger.report(bad.key, 2, 0.95) is True
    assert ledger.tell(bad.key, "finished", 0.95) == ("pruned", "")
    (trial,) = ledger.ended
    assert trial.state is TrialState.PRUNED
    assert trial.intermediate_values == {1: 0.1}


def test_reports_and_endings_of_trials_that_have_ended_change_nothing(storage):
    ledger = opened(storage)
    key = ledger.ask().key
    ledger.tell(key, "finished", 0.8)
    ledger.tell(key, "failed", None, "too late")
    assert ledger.report(key, 9, 0.1) is False
    (trial,) = ledger.ended
    assert (trial.state, trial.value) == (TrialState.COMPLETE, 0.8)


# Opening again


def test_stale_trials_return_with_the_same_parameters_and_the_same_key(storage):
    before = {one.key: one.fields for one in ask_all(opened(storage, limit=4))}
    after = {one.key: one.fields for one in ask_all(opened(storage, limit=4))}
    assert after == before


def test_stale_trials_keep_key_and_parameters_through_many_deaths(storage):
    before = {one.key: one.fields for one in ask_all(opened(storage, limit=3))}
    for _ in range(4):
        ledger = opened(storage, limit=3)
    assert {one.key: one.fields for one in ask_all(ledger)} == before


def test_a_trial_is_one_trial_of_the_study_however_often_its_driver_died(storage):
    for _ in range(3):
        ask_all(opened(storage, limit=4))
    ledger = opened(storage, limit=4)
    complete(ledger, Heard())
    assert attempts(ledger) == len(ledger.ended) == 4


def test_a_stale_trial_comes_before_what_has_not_begun(storage):
    begun = opened(storage, limit=None).ask()
    assert ask_all(opened(storage, limit=None))[0].key == begun.key


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_a_ledger_that_was_opened_before_every_trial_draws_what_one_opened_once_draws(
    new_storage, sampler
):
    def sampler_of(begun):
        if sampler == "random":
            return optuna.samplers.RandomSampler(seed=begun)
        return optuna.samplers.TPESampler(seed=begun, multivariate=True, n_startup_trials=2)

    once, often = new_storage("once"), new_storage("often")
    ledger = opened(once, limit=8, sampler=sampler_of)
    while (asked := ledger.ask()) is not None:
        ledger.tell(asked.key, "finished", asked.fields["x"])
    for _ in range(8):
        opened(often, limit=8, sampler=sampler_of).ask()
        ledger = opened(often, limit=8, sampler=sampler_of)
        asked = ledger.ask()
        ledger.tell(asked.key, "finished", asked.fields["x"])
    drawn = [
        [(key_of(NAME, trial), trial.params) for trial in opened(each, limit=8).ended]
        for each in (once, often)
    ]
    assert drawn[0] == drawn[1]


def test_what_has_ended_is_not_asked_for_again(storage):
    complete(opened(storage, limit=4), Heard())
    again = opened(storage, limit=4)
    assert again.ask() is None
    assert attempts(again) == 4


def test_points_are_not_tried_again_on_reopening(storage):
    complete(opened(storage, limit=4), Heard())
    ledger = opened(storage, limit=6)
    assert [one.attributes.get("point") for one in ask_all(ledger)] == [None, None]


def test_points_that_wait_are_not_queued_a_second_time(storage):
    for _ in range(3):
        ledger = opened(storage, limit=2)
    assert attempts(ledger) == len(POINTS)


def test_a_larger_budget_adds_trials_and_keeps_the_old_ones(storage):
    ledger = opened(storage, limit=3)
    complete(ledger, Heard())
    old = keys(ledger.ended)
    ledger = opened(storage, limit=5)
    complete(ledger, Heard())
    assert keys(ledger.ended)[:3] == old
    assert len(set(keys(ledger.ended))) == 5


def test_a_retry_does_not_inherit_the_reason_of_an_ending_that_never_came(storage):
    mortal = Mortal(storage, NEVER)
    ledger = opened(mortal.storage, limit=1, points=())
    key = ledger.ask().key
    mortal.at = mortal.writes + 2  # the reason is written, the state is not
    with pytest.raises(Killed):
        ledger.tell(key, "failed", None, "broke down")
    again = opened(storage, limit=1, points=())
    complete(again, Heard())
    assert again.ended[0].state is TrialState.COMPLETE
    assert not again.ended[0].user_attrs[REASON]


def test_points_that_wait_do_not_run_beyond_a_lowered_limit(storage):
    opened(storage, limit=3)
    assert len(ask_all(opened(storage, limit=1))) == 1


def test_a_lowered_limit_that_is_spent_asks_for_nothing(storage):
    complete(opened(storage, limit=3, points=()), Heard())
    assert opened(storage, limit=2).ask() is None


def test_a_point_that_is_wanted_no_longer_is_not_tried_and_can_be_wanted_again(storage):
    opened(storage, limit=None)
    complete(opened(storage, limit=None, points=POINTS[:1]), Heard())
    ledger = opened(storage, limit=None)
    complete(ledger, Heard())
    assert [trial.user_attrs["point"] for trial in ledger.ended] == ["first", "second"]


def test_a_begun_point_keeps_its_turn_though_the_budget_no_longer_lists_it(storage):
    key = opened(storage, limit=2).ask().key
    assert opened(storage, limit=2, points=()).ask().key == key


def test_without_a_limit_the_points_alone_are_tried(storage):
    assert [one.attributes["point"] for one in ask_all(opened(storage, limit=None))] == [
        "first",
        "second",
    ]


# Going back to the queue


def test_an_interrupted_trial_comes_back_with_key_parameters_and_values(storage):
    ledger = opened(storage, limit=1, points=())
    asked = ledger.ask()
    for epoch, value in enumerate((0.1, 0.2), start=1):
        ledger.report(asked.key, epoch, value)
    assert ledger.put_back(asked.key)
    again = opened(storage, limit=1, points=()).ask()
    assert (again.key, again.fields) == (asked.key, asked.fields)
    assert ledger.study.trials[0].intermediate_values == {1: 0.1, 2: 0.2}


def test_an_interrupted_trial_is_judged_and_kept_with_what_it_reported_before(storage):
    ledger = opened(storage, limit=1, points=())
    key = ledger.ask().key
    ledger.report(key, 1, 0.1)
    ledger.put_back(key)
    again = opened(storage, limit=1, points=())
    again.ask()
    assert again.report(key, 1, 0.9) is False, "an epoch that is repeated is not heard twice"
    again.report(key, 2, 0.2)
    again.tell(key, "finished", 0.2)
    (trial,) = again.ended
    assert trial.intermediate_values == {1: 0.1, 2: 0.2}


def test_interrupted_trials_are_neither_lost_nor_doubled(storage):
    ledger, heard = opened(storage), Heard()
    for asked in ask_all(ledger):
        heard.fields[asked.key] = dict(asked.fields)
        ledger.put_back(asked.key)
    assert ledger.ended == []
    ledger = opened(storage)
    complete(ledger, heard)
    assert_whole(ledger, heard)


def test_an_interrupted_trial_that_was_hopeless_is_pruned_instead(storage):
    pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=2)
    ledger = opened(storage, pruner=pruner)
    good, bad = ledger.ask(), ledger.ask()
    ledger.report(good.key, 1, 0.9)
    ledger.report(bad.key, 1, 0.1)
    assert not ledger.put_back(bad.key)
    assert ledger.ended[0].state is TrialState.PRUNED


def test_a_hopeless_trial_whose_driver_died_is_ended_at_its_next_report(storage):
    pruner = optuna.pruners.SuccessiveHalvingPruner(min_resource=1, reduction_factor=2)
    dying = opened(storage, limit=2, pruner=pruner)
    good, bad = dying.ask(), dying.ask()
    dying.report(good.key, 1, 0.9)
    dying.report(bad.key, 1, 0.1)
    again = opened(storage, limit=2)
    ask_all(again)
    assert again.report(bad.key, 2, 0.1) is True
    assert again.report(good.key, 2, 0.9) is False


# Dying


def test_a_driver_killed_at_any_write_loses_doubles_and_forgets_nothing(new_storage):
    immortal = Mortal(new_storage("counted"), NEVER)
    begin(immortal.storage, Heard())
    assert immortal.writes > 30
    for write in range(1, immortal.writes + 1):
        storage, heard = new_storage(write), Heard()
        with pytest.raises(Killed):
            begin(Mortal(storage, write).storage, heard)
        ledger = opened(ready(storage))
        complete(ledger, heard)
        assert_whole(ledger, heard)


def test_a_driver_killed_at_any_write_of_its_reopening_loses_nothing_either(new_storage):
    immortal = Mortal(new_storage("again"), NEVER)
    begin(immortal.storage, Heard())
    before = immortal.writes
    opened(immortal.storage)
    reopening = immortal.writes - before
    assert reopening >= 3
    for write in range(1, reopening + 1):
        storage, heard = new_storage(write), Heard()
        begin(ready(storage), heard)
        with pytest.raises(Killed):
            opened(Mortal(storage, write).storage)
        ledger = opened(ready(storage))
        complete(ledger, heard)
        assert_whole(ledger, heard)


SIGKILLED = """
import os, signal, sys
import optuna
from tests.sweep.ledgers import Heard, Mortal, begin

optuna.logging.set_verbosity(optuna.logging.WARNING)
write, storage = int(sys.argv[1]), sys.argv[2]
begin(Mortal(storage, write, lambda: os.kill(os.getpid(), signal.SIGKILL)).storage, Heard())
"""


@pytest.mark.parametrize("write", [5, 17])
def test_a_sigkilled_process_leaves_a_ledger_that_can_be_finished(storage, write):
    words = [sys.executable, "-c", SIGKILLED, str(write), storage]
    assert subprocess.run(words, check=False, timeout=300).returncode == -signal.SIGKILL
    ledger, heard = opened(storage), Heard()
    heard.told = set(keys(ledger.ended))
    complete(ledger, heard)
    assert_whole(ledger, heard)
