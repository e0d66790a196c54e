"""The adapter between Tune and the ledger, driven by hand: the ledger knows, the listener hears."""

import json
import math
import pickle
import time

import pytest
from optuna.trial import TrialState
from ray.tune.search import Searcher

from fckd.errors import UserError
from fckd.events import EpochReported, TrialEnded, TrialStarted
from fckd.sweep.account import HOUR, Account
from fckd.sweep.phases import Search
from fckd.sweep.proxy import MESSAGES, TASK
from fckd.sweep.searcher import LedgerSearcher
from fckd.train.task import Task
from tests.sweep.ledgers import ready
from tests.sweep.spaces import CORRELATION, DISTRIBUTION, RATIO, space
from tests.sweep.unattended import Unattended

ACCURACY = "validation/accuracy"
POINT = {RATIO: 0.5, CORRELATION: 1.0, DISTRIBUTION: 0}


class Told:
    """A method of an actor handle, and what it was told."""

    def __init__(self):
        self.told = []

    def remote(self, key):
        self.told.append(key)


class Handle:
    """Stands for the broker's actor handle."""

    def __init__(self):
        self.stop, self.put_off, self.forget = Told(), Told(), Told()

    @property
    def stopped(self):
        return self.stop.told


def spent():
    """Return a leader whose campaign may spend no more."""
    return Unattended(may_start=9, account=Account(limit=1.0, earlier=1.0))


class Bench:
    """A searcher on a real ledger, and what was heard of it."""

    def __init__(self, storage, folder, deadline=None, leader=None, each_its_own=False, **changes):
        given = space(search={"points": [POINT]}, **changes)
        self.heard, self.broker = [], Handle()
        self.phase = Search(given, "small", ready(storage), folder)
        self.leader = leader or Unattended(may_start=9)
        self.searcher = LedgerSearcher(
            self.phase,
            self.broker,
            self.heard.append,
            ("wave", "clap"),
            deadline,
            self.leader,
            devices=1.0,
            each_its_own=each_its_own,
        )

    def start(self, trial_id="t0", attempt=1):
        task = Task(**json.loads(self.searcher.suggest(trial_id)[TASK]))
        self.say({"kind": "started", "group": "0", "attempt": attempt}, trial_id)
        return task

    def epoch(self, epoch, trial_id="t0", **metrics):
        self.say({"kind": "epoch", "epoch": epoch, "metrics": metrics}, trial_id)

    def end(self, state="finished", outcome=None, reason="", trial_id="t0"):
        message = {"kind": "ended", "state": state, "reason": reason, "outcome": outcome}
        self.say(message, trial_id)

    def say(self, *messages):
        *told, trial_id = messages
        self.searcher.on_trial_result(trial_id, {MESSAGES: json.dumps(told)})

    def of(self, kind):
        return [event for event in self.heard if isinstance(event, kind)]


@pytest.fixture
def bench(storage, tmp_path):
    def make(**changes):
        return Bench(storage, tmp_path, **changes)

    return make


def outcome(accuracy):
    return {"metrics": {ACCURACY: accuracy}, "split": "validation", "confusion": [[3, 1], [0, 4]]}


def test_a_suggestion_carries_the_whole_task(bench, tmp_path):
    task = bench().start()
    assert task.key == "small-0000"
    assert task.part == "train"
    assert task.experiment["focal"]["ratio"] == 0.5
    assert task.folder == str(tmp_path / "trials" / "small-0000")


def test_tune_is_told_finished_when_the_ledger_asks_for_nothing_more(bench):
    made = bench(budget={"trials": 2})
    for trial_id in ("t0", "t1"):
        made.start(trial_id)
    assert made.searcher.suggest("t2") == Searcher.FINISHED


def test_no_trial_is_started_after_the_deadline(bench):
    made = bench(deadline=time.monotonic() - 1)
    assert made.searcher.suggest("t0") == Searcher.FINISHED
    assert not made.phase.ledger.ended


def test_no_more_trials_are_started_than_may_run(bench):
    made = bench(leader=Unattended(may_start=1))
    made.start()
    assert made.searcher.suggest("t1") is None
    made.end(outcome=outcome(0.5))
    assert made.searcher.suggest("t1") is None, "the proxy of the first trial is not free yet"
    made.searcher.on_trial_complete("t0")
    assert made.start("t1").key == "small-0001"


def test_no_trial_is_started_while_the_driver_is_asked_to_pause(bench):
    made = bench(leader=Unattended(may_start=0))
    assert made.searcher.suggest("t0") is None
    assert made.phase.ledger.study.trials[0].state is TrialState.WAITING


def test_no_trial_is_started_once_the_driver_is_asked_to_stop(bench):
    made = bench(leader=Unattended(may_start=1, trouble="a full disk"))
    assert made.searcher.suggest("t0") == Searcher.FINISHED


def test_a_trial_whose_machine_is_in_trouble_waits_and_no_other_is_started(bench):
    made = bench()
    made.start()
    made.end("interrupted", reason="cannot write to /full: No space left on device")
    assert made.phase.ledger.study.trials[0].state is TrialState.WAITING
    assert made.searcher.suggest("t1") == Searcher.FINISHED
    with pytest.raises(UserError, match="0000: cannot write to /full: No space left on device"):
        made.leader.check()


def test_no_trial_is_started_once_the_device_hours_are_spent(bench):
    made = bench(leader=spent())
    assert made.searcher.suggest("t0") == Searcher.FINISHED
    assert made.phase.ledger.study.trials[0].state is TrialState.WAITING


def test_a_trial_waits_for_a_larger_budget_when_the_device_hours_are_spent(bench):
    account = Account(limit=1.0)
    made = bench(leader=Unattended(may_start=1, account=account))
    task = made.start()
    made.epoch(1, seconds=1.0, **{ACCURACY: 0.4})
    assert made.broker.put_off.told == []
    account.reserve(epochs=2 * HOUR)
    made.epoch(2, seconds=1.0, **{ACCURACY: 0.5})
    assert made.broker.put_off.told == [task.key]
    assert made.broker.stopped == []
    made.end("interrupted")
    assert not made.phase.ledger.ended
    assert made.phase.ledger.study.trials[-1].state is TrialState.WAITING


def test_a_search_waits_for_what_runs_while_only_the_reserve_forbids_another_trial(bench):
    account = Account(limit=1.0)
    account.reserve(epochs=HOUR)
    made = bench(leader=Unattended(may_start=2, account=account))
    made.start("t0")
    made.epoch(1, seconds=9.0, **{ACCURACY: 0.4})
    assert made.searcher.suggest("t1") is None, "what runs may still show that there is room"
    for epoch in (2, 3):
        made.epoch(epoch, seconds=0.5, **{ACCURACY: 0.5})
    assert made.start("t1").key == "small-0001"


def test_a_search_has_finished_when_nothing_runs_and_the_rest_is_kept_back(bench):
    account = Account(limit=1.0)
    account.reserve(epochs=HOUR)
    made = bench(leader=Unattended(may_start=2, account=account))
    made.start()
    made.epoch(1, seconds=9.0, **{ACCURACY: 0.4})
    made.end("interrupted")
    made.searcher.on_trial_complete("t0")
    assert made.searcher.suggest("t1") == Searcher.FINISHED


def test_a_trial_with_workers_of_its_own_holds_them_until_tune_has_done_with_it(bench):
    account = Account()
    made = bench(leader=Unattended(may_start=1, account=account), each_its_own=True)
    made.start()
    made.end(outcome=outcome(0.5))
    before = account.own
    assert account.own > before
    made.searcher.on_trial_complete("t0")
    assert account.own == account.own > 0


def test_an_interrupted_trial_is_heard_as_such_and_waits_again(bench):
    made = bench()
    made.start()
    made.epoch(1, **{ACCURACY: 0.4})
    made.end("interrupted")
    (ended,) = made.of(TrialEnded)
    assert (ended.state, ended.reason) == ("interrupted", "it goes on when the sweep is run again")
    assert made.phase.ledger.ended == []
    assert made.start("t1").key == "small-0000"


def test_what_still_runs_when_the_driver_ends_goes_back_to_the_queue(bench):
    made = bench()
    for trial_id in ("t0", "t1"):
        made.start(trial_id)
    made.end(outcome=outcome(0.5))
    made.searcher.release()
    assert [event.state for event in made.of(TrialEnded)] == ["finished", "interrupted"]
    states = [trial.state for trial in made.phase.ledger.study.trials]
    assert TrialState.RUNNING not in states
    assert states.count(TrialState.WAITING) == 1


def test_the_listener_hears_of_a_start_with_parameters_epochs_and_attempt(bench):
    made = bench()
    made.start(attempt=2)
    (started,) = made.of(TrialStarted)
    assert (started.trial_key, started.phase) == ("small-0000", "search")
    assert started.parameters == {**POINT, "training.epochs": 4}
    assert started.tags["fckd.attempt"] == "2"


def test_epochs_reach_the_listener_and_the_ledger_in_order(bench):
    made = bench()
    made.start()
    for epoch, accuracy in enumerate((0.3, 0.4), start=1):
        made.epoch(epoch, **{ACCURACY: accuracy, "train/loss": 1.0})
    heard = [(event.epoch, event.metrics[ACCURACY]) for event in made.of(EpochReported)]
    assert heard == [(1, 0.3), (2, 0.4)]
    made.end("pruned")
    assert made.phase.ledger.ended[0].intermediate_values == {1: 0.3, 2: 0.4}


def test_messages_that_come_together_are_all_heard(bench):
    made = bench()
    made.searcher.suggest("t0")
    made.say(
        {"kind": "started", "group": "0", "attempt": 1},
        {"kind": "epoch", "epoch": 1, "metrics": {ACCURACY: 0.4}},
        {"kind": "ended", "state": "finished", "reason": "", "outcome": outcome(0.4)},
        "t0",
    )
    assert [type(event) for event in made.heard] == [TrialStarted, EpochReported, TrialEnded]


def test_a_trial_that_was_told_is_forgotten_by_the_broker(bench):
    made = bench()
    task = made.start()
    assert made.broker.forget.told == []
    made.end(outcome=outcome(0.5))
    assert made.broker.forget.told == [task.key]


def test_a_finished_trial_is_complete_and_heard_with_its_confusion(bench):
    made = bench()
    made.start()
    made.end(outcome=outcome(0.875))
    (trial,) = made.phase.ledger.ended
    assert (trial.state, trial.value) == (TrialState.COMPLETE, 0.875)
    (ended,) = made.of(TrialEnded)
    assert (ended.state, ended.split) == ("finished", "validation")
    assert ended.confusion == ((3, 1), (0, 4))
    assert ended.classes == ("wave", "clap")


def test_a_hopeless_trial_is_asked_to_stop_and_told_pruned(bench):
    made = bench(stopping={"rule": "halving", "grace_epochs": 1, "reduction": 2})
    for trial_id, accuracy in (("t0", 0.9), ("t1", 0.1)):
        made.start(trial_id)
        made.epoch(1, trial_id, **{ACCURACY: accuracy})
    assert made.broker.stopped == ["small-0001"]
    made.end("pruned", trial_id="t1")
    (trial,) = made.phase.ledger.ended
    assert trial.state is TrialState.PRUNED
    assert trial.intermediate_values == {1: 0.1}
    assert made.of(TrialEnded)[0].state == "pruned"


def test_a_trial_is_not_asked_to_stop_after_its_last_epoch(bench):
    made = bench(stopping={"rule": "halving", "grace_epochs": 4, "reduction": 2})
    made.start("t0")
    made.start("t1")
    made.epoch(4, "t0", **{ACCURACY: 0.9})
    made.epoch(4, "t1", **{ACCURACY: 0.1})
    assert made.broker.stopped == []


def test_an_objective_that_is_nan_is_failed_for_the_ledger_and_for_the_listener(bench):
    made = bench(budget={"trials": 2})
    made.start()
    made.end(outcome=outcome(math.nan))
    assert made.phase.ledger.ended[0].state is TrialState.FAIL
    (ended,) = made.of(TrialEnded)
    assert (ended.state, ended.reason) == ("failed", "the objective is nan")
    assert made.start("t1").key == "small-0001"


def test_a_failed_trial_is_heard_with_its_reason(bench):
    made = bench()
    made.start()
    made.end("failed", reason="the loss is infinite")
    assert made.of(TrialEnded)[0].reason == "the loss is infinite"
    assert made.phase.ledger.ended[0].user_attrs["reason"] == "the loss is infinite"


def test_a_trial_that_tune_gave_up_waits_again_and_no_other_is_started(bench):
    made = bench()
    made.start()
    made.searcher.on_trial_complete("t0", error=True)
    assert made.of(TrialEnded)[0].state == "interrupted"
    assert made.searcher.suggest("t1") == Searcher.FINISHED
    with pytest.raises(UserError, match="Ray Tune lost the trial"):
        made.leader.check()
    assert made.phase.ledger.ask().key == "small-0000"


def test_a_combination_that_the_space_refuses_has_failed_with_the_reason_and_the_next_is_tried(
    bench, monkeypatch
):
    made = bench()
    order = made.phase.order

    def refuse_the_first(asked):
        if asked.key == "small-0000":
            raise UserError("student.layers: 50 of r2plus1d", "18 or 34", "choose another")
        return order(asked)

    monkeypatch.setattr(made.phase, "order", refuse_the_first)
    assert made.start().key == "small-0001"
    (failed,) = made.phase.ledger.ended
    assert failed.state is TrialState.FAIL
    assert failed.user_attrs["reason"] == "student.layers: 50 of r2plus1d"
    (heard,) = made.of(TrialEnded)
    assert (heard.trial_key, heard.state) == ("small-0000", "failed")


def test_a_trial_that_tune_completes_after_its_end_is_not_told_twice(bench):
    made = bench()
    made.start()
    made.end(outcome=outcome(0.5))
    made.searcher.on_trial_complete("t0")
    assert len(made.of(TrialEnded)) == 1


def test_results_without_messages_and_of_strangers_are_ignored(bench):
    made = bench()
    made.searcher.on_trial_result("t0", {"time_total_s": 1.0})
    made.epoch(1, "stranger", **{ACCURACY: 0.5})
    assert made.heard == []


def test_nothing_of_ours_is_pickled_with_tunes_state_and_tune_cannot_restore_it(bench, tmp_path):
    searcher = bench().searcher
    assert "phase" not in vars(pickle.loads(pickle.dumps(searcher)))
    searcher.save(str(tmp_path / "state"))
    assert not (tmp_path / "state").exists()
    with pytest.raises(RuntimeError, match="run it again"):
        searcher.restore(str(tmp_path / "state"))
