"""A step that cannot be captured for a GPU fails its trial, and leaves the next a new process."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fckd.events import TrialEnded, TrialStarted

pytestmark = pytest.mark.ray


def test_the_trials_that_follow_lose_no_attempt(
    run: Callable[..., Any], smoke_space: Callable[..., Any], tmp_path: Path
) -> None:
    space = smoke_space(
        tmp_path,
        "experiment.student.network=tests.ray.spoiling:network",
        f"experiment.student.options.mark={tmp_path / 'mark'}",
        "experiment.objective.correlation.weight=0",
        "search.parameters={objective.distribution.weight: {low: 0.3, high: 3.0}}",
        "search.points=[]",
        "budget.trials=2",
    )
    _, witness = run(space)
    started = [event for event in witness.of(TrialStarted) if event.phase == "search"]
    assert [event.tags["fckd.attempt"] for event in started] == ["1", "1"]
    first, *others = witness.of(TrialEnded)
    assert (first.state, "cannot be captured" in first.reason) == ("failed", True)
    assert {event.state for event in others} == {"finished"}
