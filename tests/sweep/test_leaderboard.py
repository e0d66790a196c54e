"""Means, intervals and a verdict that claims no more than the runs show."""

import math
from dataclasses import asdict, replace

import pytest
from scipy import stats

from fckd.files import write_json
from fckd.sweep.leaderboard import leaderboard, t_interval
from fckd.sweep.phases import confirmation as confirmation_of
from fckd.train.task import OUTCOME, Outcome, read_outcome
from tests.sweep.ledgers import ready
from tests.sweep.spaces import CORRELATION, space

ALONE, LOGITS, FCKD = "student alone", "logits", "fckd"
COUNTS = {"train": 8, "validation": 4, "test": 8}


@pytest.fixture
def confirmation(storage, tmp_path):
    def open_confirmation(seeds, finalists=({CORRELATION: 1.0},), **experiment):
        given = space(confirmation={"seeds": seeds}, experiment=experiment)
        found = [(f"small-{number:04d}", fields) for number, fields in enumerate(finalists)]
        return confirmation_of(given, "small", ready(storage), tmp_path, found)

    return open_confirmation


@pytest.fixture
def board(confirmation):
    """Return a function from the scores of each arm (None is a failed run) to a leaderboard."""

    def confirm(seeds=None, **scores):
        phase = confirmation(seeds or len(scores["fckd"]))
        for asked in iter(phase.ledger.ask, None):
            arm, seed = asked.attributes["arm"], asked.attributes["seed"]
            run(phase, asked.key, scores.get(arm.split()[-1], [0.5] * 99)[seed - 1000])
        return board_of(phase)

    return confirm


def board_of(phase):
    return leaderboard(phase, "small-1", "synthetic", COUNTS, ["wave", "clap"])


def finished(phase, scores=0.5):
    for asked in iter(phase.ledger.ask, None):
        run(phase, asked.key, scores)
    return phase


def divide(phase, arm, seed, parts):
    """Let a run have ended in parts of so many samples."""
    folder = phase.place(phase.keys[phase.first(arm, seed)])
    write_json(folder / OUTCOME, asdict(replace(read_outcome(folder), micro_batch=parts)))


def run(phase, key, score):
    if score is None:
        phase.ledger.tell(key, "failed", None, "the loss is infinite")
        return
    outcome = Outcome({"test/accuracy": score}, "test", confusion=[[3, 1], [2, 2]])
    write_json(phase.place(key) / OUTCOME, asdict(outcome))
    phase.ledger.tell(key, "finished", score)


def rows(found):
    return {row["arm"]: row for row in found["arms"]}


# Intervals


def test_the_interval_is_the_t_interval_of_the_mean():
    scores = [0.71, 0.74, 0.69, 0.75]
    mean = sum(scores) / 4
    deviation = math.sqrt(sum((score - mean) ** 2 for score in scores) / 3)
    reach = stats.t.ppf(0.975, df=3) * deviation / math.sqrt(4)
    assert t_interval(scores) == pytest.approx((mean - reach, mean + reach))


def test_the_interval_of_two_scores_is_as_wide_as_two_scores_deserve():
    low, high = t_interval([0.7, 0.8])
    assert (high - low) / 2 == pytest.approx(12.7062 * 0.05, rel=1e-4)


def test_equal_scores_have_an_interval_of_no_width():
    assert t_interval([0.7, 0.7, 0.7]) == pytest.approx((0.7, 0.7))


# Rows


def test_an_arm_has_its_scores_by_seed_with_mean_deviation_and_interval(board):
    scores = [0.7, 0.8, 0.75]
    row = rows(board(fckd=scores))[FCKD]
    assert row["seeds"] == [1000, 1001, 1002]
    assert row["scores"] == scores
    assert row["n"] == 3
    assert row["mean"] == pytest.approx(0.75)
    assert row["deviation"] == pytest.approx(0.05)
    assert row["interval"] == pytest.approx(list(t_interval(scores)))


def test_arms_stand_in_the_order_of_the_confirmation(board):
    assert list(rows(board(fckd=[0.5, 0.6]))) == [ALONE, LOGITS, FCKD]


def test_the_difference_is_paired_by_seed(board):
    found = rows(board(alone=[0.60, 0.70, 0.80], fckd=[0.65, 0.74, 0.86]))
    difference = found[FCKD]["difference"]
    assert difference["against"] == ALONE
    assert difference["mean"] == pytest.approx(0.05)
    assert difference["interval"] == pytest.approx(list(t_interval([0.05, 0.04, 0.06])))
    assert found[ALONE]["difference"] is None


def test_the_difference_uses_shared_seeds_only(board):
    found = rows(board(alone=[0.1, 0.70, 0.80, None], fckd=[None, 0.74, 0.86, 0.9]))
    difference = found[FCKD]["difference"]
    assert difference["n"] == 2
    assert difference["mean"] == pytest.approx(0.05)


def test_without_a_shared_seed_there_is_no_difference(board):
    found = rows(board(alone=[0.7, None], fckd=[None, 0.9]))
    assert found[FCKD]["difference"] is None


def test_confusion_is_summed_over_the_seeds(board):
    assert rows(board(fckd=[0.5, 0.6, 0.7]))[FCKD]["confusion"] == [[9, 3], [6, 6]]


def test_the_board_says_what_was_measured_on_how_many_samples(board):
    found = board(fckd=[0.5, 0.6])
    assert found["split"] == "test"
    assert found["counts"] == COUNTS
    assert (found["sweep"], found["source"]) == ("small-1", "synthetic")


def test_seeds_of_an_earlier_and_larger_confirmation_are_left_out(board, confirmation):
    board(fckd=[0.5, 0.6, 0.7, 0.8])
    smaller = confirmation(seeds=2)
    found = rows(board_of(smaller))
    assert found[FCKD]["seeds"] == [1000, 1001]
    assert found[FCKD]["confusion"] == [[6, 2], [4, 4]]


# Failures


def test_failed_runs_reduce_n(board):
    row = rows(board(fckd=[0.7, None, 0.8]))[FCKD]
    assert (row["n"], row["seeds"], row["scores"]) == (2, [1000, 1002], [0.7, 0.8])


def test_failed_runs_are_listed_with_their_reason(board):
    assert board(fckd=[0.7, None, 0.8])["failed"] == [
        {"arm": FCKD, "seed": 1001, "reason": "the loss is infinite"}
    ]


def test_an_arm_of_which_every_run_failed_is_not_hidden(board):
    found = board(fckd=[None, None])
    assert FCKD not in rows(found)
    assert [(run["arm"], run["seed"]) for run in found["failed"]] == [(FCKD, 1000), (FCKD, 1001)]


def test_the_verdict_tells_of_failed_runs(board):
    verdict = board(fckd=[0.7, None, 0.8])["verdict"]
    assert verdict.endswith("1 of 9 runs failed and is not counted.")


def test_the_verdict_is_silent_about_failures_where_there_are_none(board):
    assert "failed" not in board(fckd=[0.7, 0.8])["verdict"]


# Verdict


def test_ahead_is_said_when_the_whole_interval_is_above_0(board):
    verdict = board(alone=[0.60, 0.61, 0.62], fckd=[0.70, 0.72, 0.71])["verdict"]
    assert verdict.startswith("FCKD is ahead of the student alone by +10.0 points [")
    assert "over 3 paired seeds, 95 % interval" in verdict


def test_behind_is_said_when_the_whole_interval_is_below_0(board):
    verdict = board(alone=[0.70, 0.72, 0.71], fckd=[0.60, 0.61, 0.62])["verdict"]
    assert verdict.startswith("FCKD is behind the student alone: -10.0 points [")


def test_within_noise_is_said_when_the_interval_holds_0(board):
    verdict = board(alone=[0.60, 0.70, 0.65], fckd=[0.70, 0.62, 0.68])["verdict"]
    assert verdict.startswith("FCKD and the student alone are within noise: ")


def test_no_difference_at_all_is_within_noise(board):
    assert "within noise" in board(alone=[0.6, 0.7, 0.8], fckd=[0.6, 0.7, 0.8])["verdict"]


def test_a_single_pair_gives_no_verdict(board):
    verdict = board(alone=[0.5, 0.5], fckd=[0.9, None])["verdict"]
    assert verdict.startswith("No verdict: ")


def test_without_fckd_there_is_no_verdict(board):
    assert board(fckd=[None, None])["verdict"].startswith("No verdict: ")


def test_without_the_student_alone_there_is_no_verdict(board):
    assert board(alone=[None, None], fckd=[0.7, 0.8])["verdict"].startswith("No verdict: ")


# What is no repetition of the others, or no difference of teaching alone


def test_the_verdict_names_runs_that_memory_made_train_in_parts(confirmation):
    phase = finished(confirmation(seeds=3))
    divide(phase, FCKD, 1001, 4)
    assert board_of(phase)["verdict"].endswith(
        " Trained in parts, as memory ran out, so batch normalisation differs: "
        "fckd 1001 (parts of 4)."
    )


def test_parts_that_were_asked_for_are_no_news(confirmation):
    phase = finished(confirmation(seeds=3, training={"micro_batch": 4}))
    divide(phase, FCKD, 1001, 4)
    assert "Trained in parts" not in board_of(phase)["verdict"]


def test_parts_change_nothing_where_no_batch_is_normalised(confirmation):
    phase = finished(confirmation(seeds=3, student={"normalization": "group"}))
    divide(phase, FCKD, 1001, 4)
    assert "Trained in parts" not in board_of(phase)["verdict"]


@pytest.mark.parametrize("field", [{"student.width": 16}, {"views.count": 3}])
def test_the_verdict_names_finalists_whose_student_is_not_the_one_alone(confirmation, field):
    finalists = [{CORRELATION: 1.0}, {CORRELATION: 1.0, **field}]
    assert board_of(finished(confirmation(3, finalists)))["verdict"].endswith(
        " Another student, or other views, than the student alone has: fckd 2; "
        "that difference is of student and teaching together."
    )


def test_finalists_that_are_trained_otherwise_have_the_student_that_is_alone(confirmation):
    trained = {"training.learning_rate": 0.02, "student.dropout": 0.1}
    phase = finished(confirmation(3, [{CORRELATION: 1.0}, {CORRELATION: 1.0, **trained}]))
    assert "Another student" not in board_of(phase)["verdict"]
