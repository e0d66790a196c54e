"""A step that cannot be captured for a GPU is launched otherwise, in a new process.

Its trial fails only where graphs were asked for.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fckd.events import TrialEnded, TrialStarted

pytestmark = pytest.mark.ray


@pytest.mark.parametrize(
    ("asked", "attempts", "states"),
    [("true", ["1", "1"], ["failed"]), ("null", ["1", "2", "1"], [])],
)
def test_the_trials_that_follow_lose_no_attempt(
    run: Callable[..., Any],
    smoke_space: Callable[..., Any],
    tmp_path: Path,
    asked: str,
    attempts: list[str],
    states: list[str],
) -> None:
    space = smoke_space(
        tmp_path,
        "experiment.student.network=tests.ray.spoiling:network",
        f"experiment.student.options.mark={tmp_path / 'mark'}",
        f"experiment.training.cuda_graph={asked}",
        "experiment.objective.correlation.weight=0",
        "search.parameters={objective.distribution.weight: {low: 0.3, high: 3.0}}",
        "search.points=[]",
        "budget.trials=2",
    )
    _, witness = run(space)
    started = [event for event in witness.of(TrialStarted) if event.phase == "search"]
    assert [event.tags["fckd.attempt"] for event in started] == attempts
    launched = {event.tags.get("fckd.cuda_graph") for event in started}
    assert launched == ({None, "False"} if asked == "null" else {None})
    failed = [event for event in witness.of(TrialEnded) if event.state != "finished"]
    assert [event.state for event in failed] == states
    assert all("cannot be captured" in event.reason for event in failed)
