"""A search for several things at once: accurate students, and cheap ones."""

import pytest
from optuna.trial import TrialState

from fckd.config.space import Space
from fckd.sweep.phases import Search
from tests.sweep.ledgers import ready
from tests.sweep.spaces import CORRELATION, searching

WIDTH = "student.width"
PARAMETERS = {WIDTH: {"choices": [4, 8, 16, 32]}, CORRELATION: {"low": 0.5, "high": 2.0}}
BOTH = ["accuracy", "parameters"]


def two(sampler="tpe", trials=12, finalists=1, **changes):
    given = searching(
        PARAMETERS,
        budget={"trials": trials},
        confirmation={"finalists": finalists},
    ).model_dump(mode="json")
    given["search"] |= {"sampler": sampler, "objectives": BOTH, **changes}
    return given


@pytest.fixture
def search(storage, tmp_path):
    def open_search(name="small", **settings):
        return Search(Space.model_validate(two(**settings)), name, ready(storage), tmp_path)

    return open_search


def finish(search, accuracies):
    """End trials: a wider student has more parameters."""
    for accuracy in accuracies:
        asked = search.ledger.ask()
        search.ledger.tell(asked.key, "finished", accuracy, costs=[float(asked.fields[WIDTH])])


@pytest.mark.parametrize("sampler", ["nsga2", "tpe", "random", "gp"])
def test_every_sampler_of_several_objectives_spends_the_budget(search, sampler):
    phase = search(sampler=sampler, trials=10)
    finish(phase, [0.1 * number for number in range(10)])
    assert phase.ledger.ask() is None
    assert [len(trial.values) for trial in phase.ledger.ended] == [2] * 10


def test_evolution_comes_nearer_to_the_front(search):
    first, last = 0.0, 0.0
    for seed in range(3):
        away = []
        phase = search(f"search {seed}", sampler="nsga2", trials=64, seed=seed)
        while (asked := phase.ledger.ask()) is not None:
            away.append(abs(asked.fields[CORRELATION] - 1.7))
            costs = [float(asked.fields[WIDTH])]
            phase.ledger.tell(asked.key, "finished", 1 - away[-1], costs=costs)
        first, last = first + sum(away[:16]), last + sum(away[-16:])
    assert last < first


def test_the_accuracy_is_to_be_high_and_the_costs_low(search):
    study = search().ledger.study
    assert [direction.name for direction in study.directions] == ["MAXIMIZE", "MINIMIZE"]


def test_finalists_are_spread_over_those_that_no_other_beats(search):
    phase = search(sampler="random", trials=40, finalists=2)
    finish(phase, [0.5] * 39)
    asked = phase.ledger.ask()
    phase.ledger.tell(asked.key, "finished", 0.9, costs=[99.0])
    (first, _), (_, fields) = phase.finalists()
    assert first == asked.key
    assert fields[WIDTH] == min(trial.params[WIDTH] for trial in phase.ledger.ended)


def test_a_finished_trial_without_an_accuracy_fails_and_the_search_goes_on(search):
    phase = search(trials=2)
    asked = phase.ledger.ask()
    assert phase.ledger.tell(asked.key, "finished", float("nan"), costs=[3.0])[0] == "failed"
    finish(phase, [0.5])
    assert [trial.state for trial in phase.ledger.ended] == [TrialState.FAIL, TrialState.COMPLETE]


def test_epochs_are_not_kept_and_stop_nothing(search):
    phase = search(trials=1)
    asked = phase.ledger.ask()
    assert not phase.ledger.report(asked.key, 1, 0.1)


def test_costs_are_those_that_an_outcome_has(search):
    assert search().costs == ("student/parameters",)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"objectives": ["parameters"]}, "accuracy comes first"),
        ({"objectives": []}, "accuracy comes first"),
        ({"objectives": ["accuracy", "flops", "flops"]}, "each cost once"),
        ({"objectives": ["accuracy"], "sampler": "nsga2"}, "nsga2 weighs several objectives"),
        ({"sampler": "cmaes"}, "cmaes knows one objective"),
        ({"objectives": ["accuracy", "price"]}, "milliseconds"),
    ],
)
def test_objectives_that_make_no_sense_are_refused(changes, said):
    with pytest.raises(ValueError, match=said):
        Space.model_validate(two(**changes))


def test_a_stopping_rule_goes_with_one_objective_only():
    with pytest.raises(ValueError, match=r"stopping\.rule: median goes by accuracy alone"):
        Space.model_validate({**two(), "stopping": {"rule": "median"}})
