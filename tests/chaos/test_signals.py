"""SIGTERM, from `ray job stop` or a preempted node, and Ctrl-C: checkpoint and end in time."""

import os
import signal

import optuna
import pytest
from optuna.trial import TrialState

from tests.chaos.campaign import Campaign
from tests.chaos.moments import Moment, comes
from tests.chaos.whole import assert_alike

pytestmark = [pytest.mark.chaos, pytest.mark.ray, pytest.mark.long, pytest.mark.timeout(900)]

GRACE_SECONDS = 30
"""What most senders of SIGTERM allow before they kill."""


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 128 + signal.SIGTERM), (signal.SIGINT, 130)]
)
def test_a_sweep_that_is_asked_to_end_does_so_in_time_and_goes_on_from_its_checkpoint(
    reference, number, code, tmp_path
):
    stopped = Campaign(tmp_path)
    with stopped.running() as driver:
        assert comes(Moment("epoch", 2, 0.0), stopped, driver)
        # A terminal sends its Ctrl-C to Ray's processes too, a scheduler its SIGTERM to the driver.
        (os.killpg if number == signal.SIGINT else os.kill)(driver.pid, number)
        assert driver.wait(GRACE_SECONDS) == code, stopped.log.read_text()
    assert stopped.log.read_text().endswith("stopped; run the same command again to go on\n")
    assert TrialState.RUNNING not in {trial.state for trial in _trials(stopped)}
    stopped.finish()
    assert_alike(stopped, reference)


def _trials(campaign):
    address = f"sqlite:///{campaign.storage / 'ledger.db'}"
    return optuna.load_study(study_name=campaign.folder.name, storage=address).trials
