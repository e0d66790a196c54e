"""promote, rollback and lineage from the command line."""

import shutil

import pytest

from tests.cli.command import fckd, refusal


@pytest.fixture
def own(registry, place):
    """A copy of the registry's storage, which a test may change."""
    shutil.copytree(registry, place / "fckd-storage")
    return place


def test_the_gate_is_asked_by_promote(own):
    ran = fckd("promote", "wrist", 1)
    assert (ran.code, ran.err) == (0, "")
    assert ran.out == "wrist/1 is champion (the first: there was no champion to beat)\n"


@pytest.mark.parametrize("words", [["--force"], ["--reason", "why"], ["--force", "--reason", " "]])
def test_force_and_reason_belong_together(place, words):
    assert "--force --reason TEXT together" in refusal(place, "promote", "wrist", 1, *words)


def test_lineage_lists_what_is_known(own):
    ran = fckd("lineage", "wrist@candidate")
    assert ran.code == 0
    assert "student" in ran.out.splitlines()[0]
    assert "synthetic-0123456789abcdef" in ran.out


def test_a_rollback_without_an_earlier_champion_is_refused(own):
    ran = fckd("rollback", "wrist")
    assert ran.code == 2
    assert "wrist has no champion" in ran.err
