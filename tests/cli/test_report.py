"""report: written again from the ledger and the leaderboard, which it leaves alone."""

import os
from datetime import UTC, datetime

import pytest

from fckd.cli.campaigns import TABLE
from fckd.files import write_json
from fckd.sweep.control import Control
from fckd.sweep.leaderboard import LEADERBOARD
from fckd.sweep.ledger_places import open_ledger
from fckd.sweep.phases import Search
from fckd.tracking.facts import FACTS, facts
from fckd.train.task import SIGHT
from tests.cli.command import fckd, refusal
from tests.cli.ledgers import break_ledger
from tests.sweep.spaces import space
from tests.tracking.boards import leaderboard
from tests.tracking.sights import sight


@pytest.fixture
def sweep(place):
    """A finished sweep, as its driver leaves it."""
    storage = place / "fckd-storage"
    folder = storage / "sweeps" / "demo-1"
    folder.mkdir(parents=True)
    search = Search(space(budget={"trials": 4}), "demo-1", open_ledger(storage), folder)
    for number, asked in enumerate(iter(search.ledger.ask, None)):
        search.ledger.tell(asked.key, "finished", 0.5 + number / 10)
    write_json(folder / LEADERBOARD, leaderboard())
    now = datetime(2026, 1, 1, tzinfo=UTC)
    write_json(
        folder / FACTS, facts("fckd sweep", {"corpus": "0123"}, {"CPU-hours": 0.5}, now, now)
    )
    return folder


@pytest.mark.parametrize("name", ["demo-1", "demo"])
def test_a_sweep_is_found_by_its_id_and_by_its_name(sweep, name):
    ran = fckd("report", name)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == f"{sweep / 'report' / 'report.html'}\n"
    assert (sweep / "report" / "report.html").read_text().startswith("<!")


def test_of_a_name_that_sweeps_share_report_and_status_mean_the_one_that_was_opened_last(
    sweep, place
):
    ledger = open_ledger(place / "fckd-storage")
    for campaign in ("demo-2", "demo-1"):
        Control.open(ledger, campaign, {"name": "demo"})
    for copied, touched in (("demo-2", 2_000_000_000), ("demo-3", 3_000_000_000)):
        folder = sweep.with_name(copied)
        folder.mkdir()
        os.utime(folder, (touched, touched))
    assert fckd("status", "demo").out.startswith("demo-1")
    assert fckd("report", "demo").out == f"{sweep / 'report' / 'report.html'}\n"


def test_what_was_transferred_is_drawn_again(sweep):
    write_json(sweep / SIGHT, sight("depth"))
    fckd("report", "demo")
    assert (sweep / "report" / "sight-overlap.png").exists()
    assert "What was transferred" in (sweep / "report" / "report.html").read_text()


def test_writing_a_report_again_leaves_ledger_and_leaderboard_alone(sweep):
    kept = [sweep / LEADERBOARD, sweep / FACTS, sweep.parents[1] / "ledger.db"]
    before = [path.read_bytes() for path in kept]
    fckd("report", "demo")
    assert [path.read_bytes() for path in kept] == before


def test_a_comparison_is_told_where_its_table_is(sweep, place):
    (sweep / FACTS).unlink()
    (sweep / TABLE).write_text("| arm | accuracy |\n")
    said = refusal(place, "report", "demo")
    assert "demo-1 is a comparison" in said
    assert str(sweep / TABLE) in said
    assert "fckd sweep" not in said


def test_the_path_of_a_report_is_shown_as_it_is(sweep, place):
    sweep.parents[1].rename(place / "[bold]")
    ran = fckd("report", "demo", "--storage", "[bold]")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.endswith("[bold]/sweeps/demo-1/report/report.html\n")


def test_classes_named_with_two_dollars_are_drawn(sweep):
    board = leaderboard()
    board["classes"] = ["$x_$" for _ in board["classes"]]
    write_json(sweep / LEADERBOARD, board)
    ran = fckd("report", "demo")
    assert (ran.code, ran.err) == (0, "")


def test_a_ledger_that_does_not_answer_is_reported(sweep, place):
    break_ledger(sweep.parents[1], "trials")
    assert "does not answer" in refusal(place, "report", "demo")
