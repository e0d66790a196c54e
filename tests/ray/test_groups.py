"""Worker groups whose processes die or have nothing to do for a while."""

import os
import signal
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
import ray

from fckd.config.campaign import ExecutionSettings
from fckd.events import EpochReported, TrialEnded, TrialStarted
from fckd.sweep import groups
from fckd.sweep.broker import Broker
from fckd.sweep.campaign import open_workshop
from fckd.sweep.conduct import conduct
from fckd.sweep.groups import Ground, run_group

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_cluster")]


def controllers() -> list[int]:
    """Return the process ids of Ray Train's own actors."""
    titles = {each.pid: " ".join(each.cmdline()) for each in psutil.process_iter()}
    return [pid for pid, title in titles.items() if title.startswith("ray::TrainController")]


@pytest.mark.parametrize("isolation", ["pool", "trial"])
def test_a_group_whose_controller_is_killed_is_heard_of_and_the_sweep_ends(
    smoke_space: Callable[..., Any], tmp_path: Path, isolation: str
) -> None:
    space = smoke_space(
        tmp_path, f"execution.isolation={isolation}", "budget.trials=2", "search.points=[]"
    )
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
    expected = {"pool": "finished", "trial": "failed"}
    assert ended.state == expected[isolation], ended.reason
    assert conducted.leaderboard["failed"] == []


@pytest.mark.long
def test_workers_that_wait_longer_than_torch_lets_them_are_the_same_afterwards(
    smoke_space: Callable[..., Any], tmp_path: Path
) -> None:
    class Counting(Broker):
        joined = 0

        async def join(self, group: str) -> None:
            self.joined += 1
            await super().join(group)

        async def joins(self) -> int:
            return self.joined

    space = smoke_space(tmp_path)
    workshop = open_workshop(space, [space.experiment], None, lambda _: None)
    broker = ray.remote(num_cpus=0, max_concurrency=10)(Counting).remote(0, 1)
    execution = ExecutionSettings(workers=2)
    ground = Ground(broker, workshop.address, workshop.corpus_folder, tmp_path, execution)
    group = threading.Thread(target=run_group, args=(ground, "0", None))
    group.start()
    time.sleep(groups.PROCESS_GROUP_TIMEOUT_SECONDS + 30)
    ray.get(broker.close.remote())
    group.join(60)
    assert ray.get(broker.joins.remote()) == 1
