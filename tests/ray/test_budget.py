"""A budget of device-hours, on real worker groups: it is kept, and a larger one goes on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fckd.errors import Stopped
from fckd.events import TrialEnded, TrialStarted

pytestmark = pytest.mark.ray

LITTLE = 0.0001
"""CPU-hours: a third of a second."""


def test_what_is_spent_ends_the_sweep_and_a_larger_budget_goes_on_with_it(
    run: Callable[..., Any], smoke_space: Callable[..., Any], tmp_path: Path
) -> None:
    with pytest.raises(Stopped, match=rf"budget\.device_hours: 0\.\d\d of {LITTLE} are spent"):
        run(smoke_space(tmp_path, f"budget.device_hours={LITTLE}"))
    conducted, witness = run(smoke_space(tmp_path, "budget.device_hours=1"))
    assert {event.state for event in witness.of(TrialEnded)} == {"finished"}
    started = [event.trial_key for event in witness.of(TrialStarted)]
    assert len(started) == len(set(started))
    (hours,) = conducted.cost.values()
    assert LITTLE < hours < 1
    again, _ = run(smoke_space(tmp_path, f"budget.device_hours={LITTLE}"))
    assert again.leaderboard["arms"] == conducted.leaderboard["arms"], "nothing was left to spend"
