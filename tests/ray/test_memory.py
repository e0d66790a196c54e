"""Trials that run out of memory: once more in smaller parts of the same batch, or failed."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fckd.errors import TrainingError
from fckd.events import TrialEnded, TrialStarted

pytestmark = pytest.mark.ray

BATCH = 6
"""Of the smoke section's 8, as many as there are samples to learn from."""


def hungry(smoke_space: Callable[..., Any], folder: Path, most: int, workers: int = 1) -> Any:
    return smoke_space(
        folder,
        "experiment.student.network=tests.ray.hungry:network",
        f"experiment.student.options.most={most}",
        "experiment.objective.correlation.weight=0",
        "search.parameters={objective.distribution.weight: {low: 0.3, high: 3.0}}",
        "search.points=[]",
        "budget.trials=1",
        f"execution.workers={workers}",
    )


@pytest.mark.parametrize(
    ("workers", "most"), [(1, BATCH // 2 + 1), pytest.param(2, 2, marks=pytest.mark.long)]
)
def test_a_trial_that_ran_out_of_memory_is_run_again_in_parts_and_finishes(
    run: Callable[..., Any],
    smoke_space: Callable[..., Any],
    tmp_path: Path,
    workers: int,
    most: int,
) -> None:
    conducted, witness = run(hungry(smoke_space, tmp_path, most, workers))
    started = [e for e in witness.of(TrialStarted) if e.phase == "search"]
    assert [event.tags["fckd.attempt"] for event in started] == ["1", "2"]
    assert ["fckd.micro_batch" in event.tags for event in started] == [False, True]
    assert len({event.trial_key for event in started}) == 1
    assert {event.state for event in witness.of(TrialEnded)} == {"finished"}
    assert conducted.leaderboard["failed"] == []


def test_a_trial_that_does_not_fit_in_half_either_fails_with_the_reason(
    run: Callable[..., Any], smoke_space: Callable[..., Any], tmp_path: Path
) -> None:
    with pytest.raises(TrainingError, match=r"out of memory: .*can't allocate memory"):
        run(hungry(smoke_space, tmp_path, 1))
