"""A new sweep begins with what an earlier one found, as far as the new space has it."""

import pytest

from fckd.errors import UserError
from fckd.sweep.phases import Search
from fckd.sweep.warm_start import warm_start
from tests.sweep.ledgers import ready
from tests.sweep.spaces import CORRELATION, DISTRIBUTION, LOGITS, RATIO, searching, space

EARLIER = "earlier-0123abcd"
POINTS = [
    {RATIO: 0.2, CORRELATION: 1.0, DISTRIBUTION: 0},
    {RATIO: 0.9, CORRELATION: 2.0, DISTRIBUTION: 0},
    {CORRELATION: 0, DISTRIBUTION: 0},
    {RATIO: 0.4, CORRELATION: 3.0, DISTRIBUTION: 0},
]
VALUES = [0.6, 0.9, 0.7, None]


@pytest.fixture
def earlier(storage, tmp_path):
    """Tables in which an earlier sweep has finished three trials, and one has failed."""
    given = space(search={"points": POINTS})
    phase = Search(given, EARLIER, ready(storage), tmp_path)
    for value in VALUES:
        phase.ledger.tell(phase.ledger.ask().key, "finished", value)
    return ready(storage)


def later(parameters, trials=40, **search):
    given = searching(parameters, budget={"trials": trials})
    changed = given.search.model_copy(update={"warm_start": "earlier", **search})
    return given.model_copy(update={"search": changed})


WHOLE = {
    RATIO: {"low": 0.1, "high": 1.0},
    CORRELATION: {"low": 0.1, "high": 5.0, "may_be_off": True},
}


@pytest.mark.parametrize("name", ["earlier", EARLIER])
def test_the_best_finished_points_come_over_best_first_without_what_is_not_searched(earlier, name):
    found = warm_start(later(WHOLE, warm_start=name), earlier)
    assert found.sweep == EARLIER
    assert list(found.points) == [
        {RATIO: 0.9, CORRELATION: 2.0},
        {CORRELATION: 0.0},
        {RATIO: 0.2, CORRELATION: 1.0},
    ]


def test_one_point_comes_over_for_every_four_trials_of_the_budget(earlier):
    assert len(warm_start(later(WHOLE, trials=8), earlier).points) == 2
    assert len(warm_start(later(WHOLE, trials=1), earlier).points) == 1


def test_a_point_with_a_value_outside_the_space_stays_behind_and_this_is_said(earlier):
    found = warm_start(later(WHOLE | {RATIO: {"low": 0.1, "high": 0.5}}), earlier)
    assert list(found.points) == [{CORRELATION: 0.0}, {RATIO: 0.2, CORRELATION: 1.0}]
    assert str(found) == f"warm start: 2 of the 3 best points of {EARLIER}"


def test_a_space_that_shares_no_parameter_takes_nothing_over(earlier):
    assert warm_start(later({LOGITS: {"low": 0.5, "high": 2.0}}), earlier).points == ()


def test_what_comes_over_is_tried_first_and_once(earlier, tmp_path):
    given = later(WHOLE)
    for _ in range(2):
        points = warm_start(given, earlier).points
        phase = Search(given, "later-0123abcd", earlier, tmp_path, points)
    asked = [dict(phase.ledger.ask().fields) for _ in range(4)]
    assert asked[:3] == list(points)
    assert asked[3] not in points


def test_a_sweep_that_is_not_there_is_told_with_those_that_are(earlier):
    with pytest.raises(UserError) as caught:
        warm_start(later(WHOLE, warm_start="latter"), earlier)
    assert EARLIER in str(caught.value)


def test_a_sweep_does_not_begin_with_itself(earlier):
    found = warm_start(later(WHOLE), earlier)
    found.check_another("later-0123abcd")
    with pytest.raises(UserError, match="is this very sweep"):
        found.check_another(EARLIER)


def test_a_space_that_names_none_begins_cold(earlier):
    assert warm_start(later(WHOLE, warm_start=None), earlier) is None


def test_a_space_may_not_name_itself():
    with pytest.raises(UserError, match="give the whole id of an earlier sweep"):
        space(search={"warm_start": "small"})
