"""Worker groups that have nothing to do for a while."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import ray

from fckd.config.campaign import ExecutionSettings
from fckd.sweep import groups
from fckd.sweep.broker import Broker
from fckd.sweep.campaign import open_workshop
from fckd.sweep.groups import Ground, run_group

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_cluster")]


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
    group = threading.Thread(target=run_group, args=(ground, "0"))
    group.start()
    time.sleep(groups.PROCESS_GROUP_TIMEOUT_SECONDS + 30)
    ray.get(broker.close.remote())
    group.join(60)
    assert ray.get(broker.joins.remote()) == 1
