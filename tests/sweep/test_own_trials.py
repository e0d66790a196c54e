"""Trials that are remembered are those of the database."""

import optuna
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from optuna.distributions import CategoricalDistribution, FloatDistribution, IntDistribution
from optuna.storages import RDBStorage
from optuna.study import StudyDirection
from optuna.trial import TrialState, create_trial
from sqlalchemy import event

from fckd.sweep.own_trials import OwnTrials

DISTRIBUTIONS = {
    "ratio": FloatDistribution(0.1, 1.0),
    "width": IntDistribution(1, 9),
    "criterion": CategoricalDistribution(["cam", "magnitude"]),
}
WRITES = st.sampled_from(
    ["new", "given", "param", "report", "user", "system", "run", "end", "wait"]
)
number = st.integers(0, 1)


@pytest.fixture(scope="module")
def behind(tmp_path_factory):
    return RDBStorage(f"sqlite:///{tmp_path_factory.mktemp('ledger') / 'ledger.db'}")


def study_in(storage):
    return storage.create_new_study([StudyDirection.MAXIMIZE])


def set_parameters(storage, trial, value):
    if not storage.get_trial(trial).params:  # Optuna sets none twice
        for name, distribution in DISTRIBUTIONS.items():
            storage.set_trial_param(trial, name, float(value), distribution)


CHANGES = {
    "parameters": set_parameters,
    "report": lambda s, trial, value: s.set_trial_intermediate_value(trial, 1 + value, value / 3),
    "user": lambda s, trial, value: s.set_trial_user_attr(trial, f"a{value}", [value]),
    "system": lambda s, trial, value: s.set_trial_system_attr(trial, f"b{value}", {"x": value}),
    "run": lambda s, trial, _: s.set_trial_state_values(trial, TrialState.RUNNING),
    "wait": lambda s, trial, _: s.set_trial_state_values(trial, TrialState.WAITING),
    "end": lambda s, trial, value: s.set_trial_state_values(
        trial, TrialState.COMPLETE, [value / 3]
    ),
}


def change(storage, study, what, value):
    """Make a trial, or do one thing to the first that is not ended."""
    waiting = create_trial(state=TrialState.WAITING, user_attrs={"given": value})
    alive = [t for t in storage.get_all_trials(study) if not t.state.is_finished()]
    if what == "new":
        storage.create_new_trial(study)
    elif what == "given":
        storage.create_new_trial(study, waiting)
    elif alive:
        CHANGES[what](storage, alive[0]._trial_id, value)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.sampled_from(["new", "given", *CHANGES]), st.integers(0, 1)), max_size=12)
)
def test_whatever_is_done_memory_and_database_agree(behind, steps):
    storage = OwnTrials(behind)
    study = study_in(storage)
    for what, value in steps:
        change(storage, study, what, value)
    assert storage.get_all_trials(study) == behind.get_all_trials(study)
    assert OwnTrials(behind).get_all_trials(study) == behind.get_all_trials(study)
    waiting = (TrialState.WAITING,)
    found = storage.get_all_trials(study, states=waiting)
    assert found == behind.get_all_trials(study, states=waiting)


def test_what_was_handed_out_does_not_change(behind):
    storage = OwnTrials(behind)
    study = study_in(storage)
    trial = storage.create_new_trial(study)
    before = storage.get_trial(trial)
    (listed,) = storage.get_all_trials(study, deepcopy=False)
    storage.set_trial_intermediate_value(trial, 1, 0.5)
    assert before.intermediate_values == listed.intermediate_values == {}
    assert storage.get_trial(trial).intermediate_values == {1: 0.5}


def test_what_the_database_refuses_is_not_remembered(behind):
    storage = OwnTrials(behind)
    study = study_in(storage)
    trial = storage.create_new_trial(study)
    storage.set_trial_state_values(trial, TrialState.FAIL)
    with pytest.raises(optuna.exceptions.UpdateFinishedTrialError):
        storage.set_trial_user_attr(trial, "late", 1)
    assert storage.get_trial(trial).user_attrs == {}


@pytest.mark.parametrize("running", [1, 40])
def test_a_report_asks_the_database_no_more_when_many_trials_run(behind, running):
    storage = OwnTrials(behind)
    study = optuna.create_study(
        storage=storage, pruner=optuna.pruners.SuccessiveHalvingPruner(), direction="maximize"
    )
    trials = [study.ask() for _ in range(running)]
    statements = []
    event.listen(behind.engine, "before_cursor_execute", lambda *said: statements.append(said[2]))
    trials[0].report(0.5, 1)
    trials[0].should_prune()
    assert len(statements) <= 12
