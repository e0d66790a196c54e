"""Arms × seeds × protocols: the score of a seed is the mean over all of its protocols."""

from dataclasses import asdict

import pytest

from fckd.cli.compare import markdown_table
from fckd.files import write_json
from fckd.sweep.arms import FCKD, LOGITS, STUDENT_ALONE
from fckd.sweep.leaderboard import leaderboard, t_interval
from fckd.sweep.phases import confirmation as confirmation_of
from fckd.train.task import OUTCOME, Outcome
from tests.sweep.ledgers import ready
from tests.sweep.spaces import CORRELATION, HMDB51, space

TWO = ("split-1", "split-3")
COUNTS = {"train": 8, "validation": 4, "test": 8}
BY_PROTOCOL = dict.fromkeys(TWO, COUNTS)


@pytest.fixture
def confirmation(storage, tmp_path):
    def open_confirmation(seeds=3, protocols=TWO):
        given = space(
            experiment={"corpus": HMDB51},
            confirmation={"seeds": seeds, "protocols": protocols},
        )
        finalists = [("small-0000", {CORRELATION: 1.0})]
        return confirmation_of(given, "small", ready(storage), tmp_path, finalists)

    return open_confirmation


@pytest.fixture
def board(confirmation):
    """Return a function from FCKD's scores, by (seed, protocol), to a leaderboard."""

    def confirm(scores, seeds=3):
        phase = confirmation(seeds)
        for asked in iter(phase.ledger.ask, None):
            order = phase.order(asked)
            arm, seed = order.tags["fckd.arm"], int(order.tags["fckd.seed"])
            given = scores if arm == FCKD else {}
            end(phase, asked.key, given.get((seed, order.tags["fckd.protocol"]), 0.5))
        return leaderboard(phase, "small-1", "hmdb51", COUNTS, ["wave", "clap"], BY_PROTOCOL)

    return confirm


def end(phase, key, score):
    if score is None:
        phase.ledger.tell(key, "failed", None, "the loss is infinite")
        return
    outcome = Outcome({"test/accuracy": score}, "test", confusion=[[3, 1], [2, 2]])
    write_json(phase.place(key) / OUTCOME, asdict(outcome))
    phase.ledger.tell(key, "finished", score)


def row(board, arm=FCKD):
    return next(row for row in board["arms"] if row["arm"] == arm)


# Runs


def test_every_arm_and_seed_is_trained_under_every_protocol(confirmation):
    phase = confirmation(seeds=2)
    found = []
    for asked in iter(phase.ledger.ask, None):
        order = phase.order(asked)
        experiment = order.task.experiment
        assert order.task.part == "train+validation"
        assert experiment["corpus"]["protocol"] == order.tags["fckd.protocol"]
        assert order.name.endswith(order.tags["fckd.protocol"])
        found.append((order.tags["fckd.seed"], order.tags["fckd.protocol"], order.tags["fckd.arm"]))
    arms = (STUDENT_ALONE, LOGITS, FCKD)
    assert found == [
        (seed, protocol, arm) for seed in ("1000", "1001") for protocol in TWO for arm in arms
    ]


def test_every_run_has_a_key_of_its_own(confirmation):
    keys = confirmation(seeds=4).keys
    assert len(set(keys.values())) == len(keys) == 3 * 4 * 2


def test_a_protocol_that_is_added_leaves_the_others_runs_as_they_are(confirmation):
    one, both = confirmation(protocols=("split-3",)), confirmation()
    assert set(one.keys.items()) < set(both.keys.items())


def test_runs_under_the_experiments_own_protocol_are_called_as_they_always_were(confirmation):
    keys = confirmation(seeds=2, protocols=()).keys.values()
    assert not [key for key in keys if "split" in key]
    assert len(keys) == 6


# Scores


def test_the_score_of_a_seed_is_the_mean_over_its_protocols(board):
    scores = {
        (1000, "split-1"): 0.6, (1000, "split-3"): 0.8,
        (1001, "split-1"): 0.7, (1001, "split-3"): 0.9,
        (1002, "split-1"): 0.8, (1002, "split-3"): 0.7,
    }  # fmt: skip
    found = row(board(scores))
    assert found["scores"] == pytest.approx([0.7, 0.8, 0.75])
    assert found["n"] == 3
    assert found["interval"] == pytest.approx(list(t_interval([0.7, 0.8, 0.75])))
    assert found["difference"]["mean"] == pytest.approx(0.25)
    assert found["difference"]["interval"] == pytest.approx(list(t_interval([0.2, 0.3, 0.25])))


def test_every_protocol_is_shown_beside_the_mean(board):
    found = row(board({(1000, "split-3"): 0.8, (1001, "split-3"): 0.9, (1002, "split-3"): 0.7}))
    assert found["by_protocol"]["split-1"]["scores"] == [0.5, 0.5, 0.5]
    assert found["by_protocol"]["split-3"]["scores"] == [0.8, 0.9, 0.7]
    assert found["by_protocol"]["split-3"]["mean"] == pytest.approx(0.8)


def test_confusion_is_summed_over_seeds_and_protocols(board):
    assert row(board({}))["confusion"] == [[18, 6], [12, 12]]


def test_a_seed_counts_only_if_all_its_protocols_finished(board):
    found = board({(1001, "split-3"): None, (1000, "split-1"): 0.7})
    own = row(found)
    assert own["seeds"] == [1000, 1002]
    assert own["scores"] == pytest.approx([0.6, 0.5])
    assert own["by_protocol"]["split-1"]["seeds"] == [1000, 1002]
    assert own["confusion"] == [[12, 4], [8, 8]]
    assert own["difference"]["n"] == 2


def test_what_is_missing_is_said(board):
    found = board({(1001, "split-3"): None})
    assert found["failed"] == [
        {"arm": FCKD, "seed": 1001, "protocol": "split-3", "reason": "the loss is infinite"}
    ]
    assert found["incomplete"] == [{"arm": FCKD, "seed": 1001, "missing": ["split-3"]}]
    assert "A seed counts only under all protocols: fckd 1001 lacks split-3." in found["verdict"]


def test_an_arm_without_a_complete_seed_has_no_row(board):
    found = board({(seed, "split-1"): None for seed in (1000, 1001, 1002)})
    assert [row["arm"] for row in found["arms"]] == [STUDENT_ALONE, LOGITS]
    assert found["verdict"].startswith("No verdict: ")


def test_the_markdown_has_a_table_by_protocol(board):
    text = markdown_table(board({(1000, "split-3"): 0.8}))
    assert "| arm | accuracy on test, mean of split-1, split-3, % (95 % interval) |" in text
    assert "| arm | split-1 | split-3 |\n|---|---|---|" in text
    assert "| fckd | 50.0 | 60.0 |" in text
