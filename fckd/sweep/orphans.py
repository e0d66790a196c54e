"""Ends what Ray leaves behind on a cluster that lives on where a driver was killed.

Ray Train gives every worker group a detached actor that frees the group's room once the group's
controller is gone. A controller that dies before it has told that actor to begin leaves it waiting
for ever. So the driver has a companion, which waits for the driver's end, gives these actors time
to end by themselves, and ends the rest.
"""

import os
import signal
import sys
import time
from contextlib import suppress

from fckd.sweep.companion import SUBMITTED, wait_for_the_end_of

GRACE_SECONDS = 20.0
"""For these actors to see that their controller is gone, which takes them a few seconds."""

CLEANER = "PlacementGroupCleaner"
MOST = 10_000
"""So many actors Ray's state API tells of at once."""


def wait_and_end(driver: int, job: str) -> None:
    """Wait until the process `driver`, the parent of this one, is gone; then end its orphans.

    Args:
        driver: Process number.
        job: Ray's name of the driver's job, in hexadecimal digits.
    """
    wait_for_the_end_of(driver)
    time.sleep(GRACE_SECONDS)
    os.environ.pop(SUBMITTED, None)  # the companion is not the driver of a submitted job
    # not before: while the driver lives, nobody should pay for a second Ray in memory
    import ray

    ray.init(log_to_driver=False, logging_level="ERROR")
    end_orphans(job)


def end_orphans(job: str) -> None:
    """End the cleaners of a job whose driver is gone, each by a task on its own node."""
    import ray
    from ray.exceptions import RayError
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy
    from ray.util.state import list_actors

    sought = [("class_name", "=", CLEANER), ("job_id", "=", job), ("state", "=", "ALIVE")]
    ending = ray.remote(num_cpus=0)(_end)
    tasks = [
        ending.options(
            scheduling_strategy=NodeAffinitySchedulingStrategy(orphan.node_id, soft=False)
        ).remote(orphan.pid)
        for orphan in list_actors(filters=sought, detail=True, limit=MOST)
    ]
    for task in tasks:
        with suppress(RayError):  # its node is gone, and the actor with it
            ray.get(task)


def _end(process: int) -> None:
    with suppress(ProcessLookupError):  # it has ended by itself meanwhile
        os.kill(process, signal.SIGTERM)


if __name__ == "__main__":
    wait_and_end(int(sys.argv[1]), sys.argv[2])
