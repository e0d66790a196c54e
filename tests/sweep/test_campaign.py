"""What makes another campaign, and what somebody hears who did not mean to begin one."""

import logging

import optuna
import pytest

from fckd.sweep import campaign
from fckd.sweep.campaign import _identity, _tell_of_earlier
from fckd.sweep.control import Control
from fckd.sweep.ledger_places import open_ledger

OLD, NEW = "demo-01234567", "demo-89abcdef"


@pytest.fixture
def ledger(tmp_path):
    return open_ledger(tmp_path)


@pytest.fixture
def told(ledger, caplog):
    """Return a function that tells what is said when a campaign is opened."""

    def tell(identity, name="demo"):
        caplog.clear()
        with caplog.at_level(logging.WARNING):
            _tell_of_earlier(ledger, identity, name)
        return caplog.messages

    return tell


def begin(ledger, identity, phase="", trials=1):
    Control.open(ledger, identity, {})
    study = optuna.create_study(storage=ledger, study_name=f"{identity}{phase}")
    for _ in range(trials):
        study.ask()


@pytest.mark.parametrize("phase", ["", "-comparison-0a1b2c"])
def test_whoever_meant_to_go_on_and_begins_another_campaign_hears_of_it_in_a_line(
    ledger, told, phase
):
    begin(ledger, "demo-00000000")
    begin(ledger, OLD, phase)
    (line,) = told(NEW)
    assert f"{NEW} is another one than {OLD}" in line, "the newest is named"
    assert "version of fckd" in line
    assert "no trial of that one is reused" in line
    assert "\n" not in line


def test_a_campaign_that_goes_on_says_nothing(ledger, told):
    begin(ledger, OLD)
    begin(ledger, NEW)
    assert not told(NEW)


def test_nothing_is_said_of_what_has_another_name_or_no_trials(ledger, told):
    begin(ledger, "demo-large-01234567")
    begin(ledger, OLD, trials=0)
    assert not told(NEW)


def test_a_campaign_whose_teachers_or_lessons_mean_something_else_is_another_one(monkeypatch):
    before = _identity("demo", {"experiment": {}}, "corpus")
    assert before == _identity("demo", {"experiment": {}}, "corpus")
    monkeypatch.setattr(campaign, "READER_VERSION", campaign.READER_VERSION + 1)
    assert before != _identity("demo", {"experiment": {}}, "corpus")
