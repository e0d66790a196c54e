import csv
import re

import optuna
import pytest

from fckd.tracking.leaderboard_files import write_leaderboard_files
from fckd.tracking.report import write_report
from tests.tracking.boards import leaderboard
from tests.tracking.sights import sight

FACTS = {
    "command": "fckd sweep demo.yaml --set x=<1>",
    "versions": {"torch": "2.13"},
    "fingerprints": {"corpus": "abc123"},
    "cost": {"CPU-hours": 0.5},
    "started": "2026-01-01T10:00",
    "ended": "2026-01-01T11:00",
}


@pytest.fixture(scope="module")
def study():
    study = optuna.create_study(direction="maximize")
    study.optimize(lambda trial: trial.suggest_float("focal.ratio", 0.1, 1), n_trials=4)
    return study


def text_of(folder, study, board=None, facts=FACTS, shown=None):
    return write_report(folder, board or leaderboard(), study, facts, shown).read_text()


def test_the_report_needs_no_network(tmp_path, study):
    text = text_of(tmp_path, study)
    assert "http" not in text
    assert re.findall(r'(?:src|href)="(?!data:image/png;base64,)', text) == []
    assert text.count("data:image/png;base64,") == 10


def test_the_verdict_comes_first_and_every_part_is_there(tmp_path, study):
    text = text_of(tmp_path, study)
    parts = (
        "fckd beats the student alone", "78.0 %", "75.0 % to 81.0 %", "+8.0 (+4.0 to +12.0)",
        "validation", "CPU-hours", "torch", "abc123",
    )  # fmt: skip
    places = [text.find(part) for part in parts]
    assert -1 not in places
    assert places[0] == min(places)
    assert '<th scope="row">test</th><td>96</td>' in text


def test_synthetic_data_is_called_synthetic(tmp_path, study):
    assert "not recorded" in text_of(tmp_path, study)
    real = leaderboard() | {"source": "utd-mhad"}
    assert "not recorded" not in text_of(tmp_path, study, real)


def test_every_text_is_escaped(tmp_path, study):
    evil = "<script>alert(1)</script>"
    board = leaderboard() | {"sweep": evil, "verdict": evil, "classes": [evil, "clap"]}
    board["source"] = evil
    board["registered"]["name"] = evil
    board["arms"][0]["parameters"] = {evil: evil}
    board["arms"][1]["arm"] = "a <b>"
    facts = FACTS | {"command": evil, "versions": {evil: evil}, "started": evil}
    text = text_of(tmp_path, study, board, facts)
    assert "<script" not in text
    assert "<b>" not in text
    assert "&lt;script&gt;" in text


def test_no_secret_is_printed(tmp_path, study):
    command = "fckd sweep --tracking postgresql://me:hunter2@host/db"
    assert "hunter2" not in text_of(tmp_path, study, facts=FACTS | {"command": command})


def test_a_student_that_was_not_registered(tmp_path, study):
    assert "Registered" not in text_of(tmp_path, study, leaderboard() | {"registered": None})


def test_what_was_transferred_is_shown_of_the_packed_students_run(tmp_path, study):
    text = text_of(tmp_path, study, shown=sight("depth"))
    section = text[text.index("What was transferred") : text.index("How to make this again")]
    names = {path.stem for path in tmp_path.glob("sight-*.png")}
    assert names == {
        "sight-shares", "sight-agreement", "sight-overlap", "sight-focal-sets",
        "sight-frequency-depth", "sight-clip-depth",
    }  # fmt: skip
    assert all(f'alt="{name}"' in section for name in names)
    assert section.count("<figcaption>fckd, seed 1000</figcaption>") == len(names)


@pytest.mark.parametrize("shown", [None, sight()], ids=["no student", "student alone"])
def test_where_nothing_was_transferred_there_is_no_such_section(tmp_path, study, shown):
    assert "What was transferred" not in text_of(tmp_path, study, shown=shown)
    assert not list(tmp_path.glob("sight-*.png"))


def test_figures_lie_beside_the_report(tmp_path, study):
    text_of(tmp_path, study)
    names = {path.stem for path in tmp_path.glob("*.png")}
    assert names == {
        "leaderboard", "history", "importance", "parallel", "ratio", "curves",
        "confusion-student-alone", "confusion-logits", "confusion-fckd", "confusion-change",
    }  # fmt: skip


def test_scores_by_protocol_are_shown_and_kept(tmp_path, study):
    board = leaderboard()
    protocols = {name: {"train": 60, "validation": 10, "test": 30} for name in ("one", "two")}
    for arm in board["arms"]:
        arm["by_protocol"] = {
            name: {"mean": arm["mean"], "interval": arm["interval"], "scores": [0.25, 0.5, 0.75]}
            for name in protocols
        }
    text = text_of(tmp_path, study, board | {"protocols": protocols})
    assert "of each of one, two; the score of a seed is their mean" in text
    assert '<th scope="col">arm</th><th scope="col">one</th><th scope="col">two</th>' in text
    assert '<th scope="row">test of two</th><td>30</td>' in text
    write_leaderboard_files(tmp_path, board | {"protocols": protocols})
    rows = list(csv.DictReader((tmp_path / "leaderboard.csv").open()))
    assert [row["two"] for row in rows[:3]] == ["0.25", "0.5", "0.75"]


def test_a_leaderboard_has_a_line_for_each_seed_and_a_figure(tmp_path):
    written = write_leaderboard_files(tmp_path, leaderboard())
    assert [path.name for path in written] == ["leaderboard.csv", "leaderboard.png"]
    rows = list(csv.DictReader(written[0].open()))
    assert len(rows) == 9
    assert (rows[0]["arm"], rows[0]["seed"]) == ("student alone", "1000")
    assert written[1].read_bytes().startswith(b"\x89PNG")


def test_without_a_finalist_there_is_no_change_of_confusion(tmp_path, study):
    board = leaderboard()
    text = text_of(tmp_path, study, board | {"arms": board["arms"][:2]})
    assert "confusion-change" not in text
