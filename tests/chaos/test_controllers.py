"""Ray Train's own actors are killed: their groups are heard of, and replaced."""

import os
import signal
from pathlib import Path
from typing import Any

import psutil
import pytest

from fckd.config.documents import read_document, validate
from fckd.config.space import Space
from fckd.events import EpochReported, TrialEnded, TrialStarted
from fckd.sweep.conduct import conduct
from tests.chaos.campaign import DEMO

pytestmark = [pytest.mark.chaos, pytest.mark.ray, pytest.mark.long, pytest.mark.timeout(600)]


def controllers() -> list[int]:
    """Return the process ids of Ray Train's own actors."""
    titles = {each.pid: " ".join(each.cmdline()) for each in psutil.process_iter()}
    return [pid for pid, title in titles.items() if title.startswith("ray::TrainController")]


@pytest.mark.parametrize("isolation", ["pool", "trial"])
def test_a_group_whose_controller_is_killed_is_heard_of_and_the_sweep_ends(
    tmp_path: Path, isolation: str
) -> None:
    settings = (f"execution.isolation={isolation}", "budget.trials=2", "search.points=[]")
    document = read_document(DEMO, smoke=True, overrides=[f"storage={tmp_path}", *settings])
    space = validate(Space, document, "demo")
    heard: list[Any] = []

    def kill_once(event: Any) -> None:
        if isinstance(event, EpochReported) and not any(
            isinstance(other, EpochReported) for other in heard
        ):
            for pid in controllers():
                os.kill(pid, signal.SIGKILL)
        heard.append(event)

    conducted = conduct(space, None, kill_once, lambda _: lambda __: None)
    first = next(event.trial_key for event in heard if isinstance(event, TrialStarted))
    (ended,) = (e for e in heard if isinstance(e, TrialEnded) and e.trial_key == first)
    assert ended.state == "finished", ended.reason
    assert conducted.leaderboard["failed"] == []
