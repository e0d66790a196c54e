"""The worker groups of a sweep, and the broker from whom they have their tasks.

A pool of long-lived groups serves all trials; a trial costs a fraction of a second, and none is
ever ended by killing a group. With isolation `trial` each trial starts a group for itself alone.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ray
import ray.exceptions
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from fckd.config.campaign import ExecutionSettings
from fckd.errors import Stopped
from fckd.sweep.account import Account, devices_of
from fckd.sweep.broker import INTERRUPTED, Broker
from fckd.sweep.groups import Ground, run_group, sign_off
from fckd.sweep.leader import Leader
from fckd.train.workshop import Workshop

MOST_IN_VAIN = 3
AGAIN_SECONDS = 600.0
"""After so long a further group has a chance again, if others are at work."""
LEAVE_SECONDS = 30.0
ABANDON_SECONDS = 6.0


class Pool:
    """The long-lived groups of a sweep, each followed by a thread of the driver.

    A group that breaks down is replaced, with its machine perhaps; if several in a row do so before
    they have taken a task, there is no sense in a further one: for a while, if others are at work,
    else for good.

    Args:
        ground: Where its groups work.
        account: Counts what they hold.
        clock: Seconds.
    """

    def __init__(
        self, ground: Ground, account: Account, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._ground, self._account, self._clock = ground, account, clock
        self._wanted = ground.execution.groups
        self._threads: list[threading.Thread] = []
        self._alive = self._vain = 0
        self._ended_at = clock()
        self._doubtful: set[str] = set()
        self._closed = False
        self._lock = threading.Lock()
        self._fill()

    def resize(self, groups: int) -> None:
        """Keep so many groups: start what is missing; surplus ones leave after their trial.

        Called again and again: whether a node has come back can only be tried.
        """
        with self._lock:
            changed = groups != self._wanted
            if changed:
                self._wanted, self._vain = groups, 0
        if changed:
            ray.get(self._ground.broker.resize.remote(groups))
        self._look()
        self._fill()

    def close(self) -> None:
        """Let the groups end by themselves and wait for it, within bounds."""
        with self._lock:
            self._closed = True
        ray.get(self._ground.broker.close.remote())
        self._join(LEAVE_SECONDS)

    def abandon(self) -> None:
        """Wait a little for groups whose broker is gone: they end by themselves.

        A thread that asks Ray for something while the driver leaves it would make Ray print stacks.
        """
        with self._lock:
            self._closed = True
        self._join(ABANDON_SECONDS)

    def _join(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    def _look(self) -> None:
        """Count what came up meanwhile, and give missing groups another chance if it is time."""
        if not self._doubtful and not self._is_due():
            return
        try:
            members = ray.get(self._ground.broker.members.remote())
        except ray.exceptions.RayActorError:
            return  # the driver has given up
        with self._lock:
            for name in self._doubtful & members:
                self._allocate(name)
            self._doubtful -= members
            # If nobody is at work, the sweep shall end instead, with a message.
            if members and self._is_due():
                self._vain = MOST_IN_VAIN - 1

    def _is_due(self) -> bool:
        missing = self._alive < self._wanted and self._vain >= MOST_IN_VAIN
        return missing and self._clock() - self._ended_at >= AGAIN_SECONDS

    def _allocate(self, name: str) -> None:
        execution = self._ground.execution
        self._account.allocate(f"group {name}", devices_of(execution, execution.workers))

    def _fill(self) -> None:
        with self._lock:
            while not self._closed and self._alive < self._wanted and self._vain < MOST_IN_VAIN:
                name = f"{len(self._threads)}"
                if self._vain:
                    # The last one found no room: this one holds nothing before it has come up.
                    self._doubtful.add(name)
                else:
                    self._allocate(name)
                thread = threading.Thread(target=self._follow, args=(name,), daemon=True)
                self._threads.append(thread)
                self._alive += 1
                thread.start()

    def _follow(self, name: str) -> None:
        death = run_group(self._ground, name)
        with self._lock:
            self._doubtful.discard(name)
        self._account.release(f"group {name}")
        if self._closed:
            return  # the driver may have left Ray, and whoever asks it for something starts another
        try:
            of_use = sign_off(self._ground, name, death)
        except ray.exceptions.RayActorError:
            return  # the driver has given up
        with self._lock:
            self._alive -= 1
            self._vain = 0 if of_use else self._vain + 1
            self._ended_at = self._clock()
            nobody = self._alive == 0 and self._vain >= MOST_IN_VAIN
        if nobody:
            reason = f"{MOST_IN_VAIN} worker groups in a row ended before they took a trial"
            self._ground.broker.close.remote(reason, INTERRUPTED)
            return
        self._fill()


class BrokerAndPool:
    """The broker and the pool, if there is one, as those who carry out what a leader wishes."""

    def __init__(self, broker: Any, pool: Pool | None) -> None:
        self._broker, self.pool = broker, pool
        self._interrupted = self._abandoned = False

    def resize(self, groups: int) -> None:
        """Keep so many groups; without a pool each trial brings its own."""
        if self.pool is not None:
            self.pool.resize(groups)

    def interrupt(self, *, now: bool) -> None:
        """End running trials after their current epoch, or at once."""
        if now and not self._abandoned:
            self._abandoned = True
            self._broker.abandon.remote()
        elif not self._interrupted:
            self._interrupted = True
            self._broker.interrupt.remote()


@contextmanager
def worker_groups(
    execution: ExecutionSettings, workshop: Workshop, folder: Path, leader: Leader
) -> Iterator[Ground]:
    """Start the broker, and the pool if there is one; let them end with the block.

    Args:
        execution: How many groups, of how many workers.
        workshop: Of the storage and corpus that the groups work on.
        folder: Of the sweep.
        leader: Brings them wishes, and accounts for them.
    """
    pooled = execution.isolation == "pool"
    # On the driver's node: with any other the sweep would die, though its workers' trials need not.
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    actor = ray.remote(num_cpus=0, max_concurrency=1000, scheduling_strategy=here)(Broker)
    broker = actor.remote(execution.retries, execution.groups if pooled else None)
    ground = Ground(broker, workshop.address, workshop.corpus_folder, folder, execution)
    crew = BrokerAndPool(broker, Pool(ground, leader.account) if pooled else None)
    leader.lead(crew)
    in_order = False
    try:
        yield ground
        in_order = True
    except Stopped as stopped:
        in_order = not stopped.hurried
        raise
    finally:
        leader.lead(None)
        if in_order and crew.pool is not None:
            crew.pool.close()
        ray.kill(broker)
        if not in_order and crew.pool is not None:
            crew.pool.abandon()
