"""A search that is driven by known curves spends, ends and scores as a sweep does."""

import optuna
import pytest

from benchmarks.search_curves import Recorded, space
from benchmarks.search_replay import replay
from fckd.config.space import StoppingSettings
from fckd.sweep.grid import grid
from fckd.sweep.stopping import pruner_of
from fckd.sweep.suggest import suggester
from tests.sweep.ledgers import opened

EPOCHS = 4


@pytest.fixture
def replayed():
    """Return a function that replays curves in the order in which trials begin."""

    def run(curves, budget=100, groups=1, stopping=None):
        ledger = opened(
            optuna.storages.InMemoryStorage(),
            limit=len(curves),
            points=(),
            pruner=pruner_of(StoppingSettings(**(stopping or {}))),
        )
        waiting = iter(curves)
        return replay(ledger, lambda _: next(waiting), budget, groups), ledger

    return run


def test_every_trial_spends_its_epochs_and_the_best_of_their_ends_counts(replayed):
    done, _ = replayed([[0.9, 0.5], [0.1, 0.6], [0.2, 0.3]])
    assert (done.spent, done.finished, done.pruned) == (6, 3, 0)
    assert done.improvements == [(2, 0.5), (4, 0.6)]


def test_a_pruned_trial_spends_only_its_epochs_and_has_no_score(replayed):
    halving = {"rule": "halving", "grace_epochs": 2, "reduction": 2}
    good, bad = [0.5] * EPOCHS, [0.1, 0.4, 0.9, 0.9]
    done, ledger = replayed([good, bad], stopping=halving)
    assert (done.spent, done.finished, done.pruned) == (EPOCHS + 2, 1, 1)
    assert done.best_at(done.spent) == 0.5
    assert [trial.state.name for trial in ledger.ended] == ["COMPLETE", "PRUNED"]


def test_nothing_is_spent_beyond_the_budget_and_what_is_under_way_does_not_count(replayed):
    done, ledger = replayed([[0.1] * EPOCHS, [0.9] * EPOCHS], budget=EPOCHS + 3)
    assert (done.spent, done.finished) == (EPOCHS + 3, 1)
    assert done.best_at(done.spent) == 0.1
    assert len(ledger.ended) == 1


def test_trials_at_a_time_take_turns_epoch_by_epoch(replayed):
    done, _ = replayed([[0.5] * EPOCHS, [0.6] * EPOCHS], groups=2)
    first, second = (when for when, _ in done.improvements)
    assert (first, second) == (2 * EPOCHS - 2, 2 * EPOCHS), "one ended before the other had begun"


def test_trials_at_a_time_are_judged_by_what_the_others_have_reported_so_far(replayed):
    halving = {"rule": "halving", "grace_epochs": 2, "reduction": 2}
    curves = [[0.1] * EPOCHS, [0.9] * EPOCHS]
    assert replayed(curves, stopping=halving, groups=2)[0].pruned == 0
    assert replayed(curves[::-1], stopping=halving, groups=2)[0].pruned == 1


def test_a_score_is_reached_when_a_finished_trial_has_it(replayed):
    done, _ = replayed([[0.9, 0.5], [0.1, 0.6]])
    assert done.reached(0.5) == 2
    assert done.reached(0.55) == 4
    assert done.reached(0.9) is None
    assert [done.best_at(spent) for spent in (1, 2, 3, 4)] == [0.0, 0.5, 0.5, 0.6]


def test_every_point_of_the_benchmarks_space_has_a_recorded_curve():
    stepped = space({"sampler": "grid"}, 1, {})
    points = [suggester(stepped)(optuna.trial.FixedTrial(point)) for point in grid(stepped)]
    recorded = Recorded()
    assert len(points) == len(recorded)
    assert {len(recorded(fields)) for fields in points} == {stepped.experiment.training.epochs}
