"""Worker groups: Ray Train runs that serve the broker's tasks.

A pool of long-lived groups serves all trials; a trial costs a fraction of a second, and none is
ever ended by killing a group. With isolation `trial` each trial starts a group for itself alone.
"""

import logging
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
import ray.exceptions
import ray.train
from ray.train.torch import TorchConfig, TorchTrainer
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from fckd.config.campaign import ExecutionSettings
from fckd.errors import Stopped
from fckd.storage.address import Address
from fckd.storage.shelf import storage_folder
from fckd.sweep.account import Account, devices_of
from fckd.sweep.attendance import Attendance
from fckd.sweep.broker import INTERRUPTED, Broker
from fckd.train.ray_workers import serve
from fckd.train.workshop import Workshop

PROCESS_GROUP_TIMEOUT_SECONDS = 120
MOST_IN_VAIN = 3
CHANGES = 2
"""Ways in which a task may be changed and tried again: in smaller parts, without graphs."""
LEAVE_SECONDS = 30.0
ABANDON_SECONDS = 6.0

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Ground:
    """What every group needs to know: where things are and how many workers it has."""

    broker: Any
    storage: str
    corpus: Path
    sweep_folder: Path
    execution: ExecutionSettings


def run_group(ground: Ground, name: str, only: str | None = None) -> str:
    """Run a group until the broker lets it go or its only task ended; blocks.

    Args:
        ground: Where it works.
        name: Of the group, unique among those that are alive.
        only: Key of the single task to serve, or None.

    Returns:
        What it died of; nothing if it ended in peace.
    """
    execution = ground.execution
    use_gpu = execution.gpus_per_worker > 0
    # NCCL refuses two workers on one GPU.
    alone_on_it = execution.workers == 1 or execution.gpus_per_worker > 0.5
    per_worker = {"CPU": execution.cpus_per_worker}
    if use_gpu:
        per_worker["GPU"] = execution.gpus_per_worker
    try:
        TorchTrainer(
            serve,
            train_loop_config={
                "broker": ground.broker,
                "group": name,
                "only": only,
                "storage": ground.storage,
                "corpus": str(ground.corpus),
                "threads": max(1, int(execution.cpus_per_worker)),
            },
            torch_config=TorchConfig(
                backend="nccl" if use_gpu and alone_on_it else "gloo",
                timeout_s=PROCESS_GROUP_TIMEOUT_SECONDS,
            ),
            scaling_config=ray.train.ScalingConfig(
                num_workers=execution.workers, use_gpu=use_gpu, resources_per_worker=per_worker
            ),
            run_config=ray.train.RunConfig(
                name=f"group-{name}",
                storage_path=str(_folder_here(ground) / "train"),
                failure_config=ray.train.FailureConfig(
                    # The broker counts losses; of its changed tasks each costs a process as well.
                    max_failures=execution.retries + CHANGES if only else -1,
                    controller_failure_limit=3,
                ),
                logging_config=ray.train.LoggingConfig(log_level="ERROR"),
            ),
        ).fit()
    except Exception as failure:  # noqa: BLE001 - also Ray Train's own actor may have died
        return f"its worker group ended: {failure}"
    return ""


def sign_off(ground: Ground, name: str, death: str, only: str | None = None) -> bool:
    """Tell the broker that a group has ended.

    Args:
        ground: Where it worked.
        name: Of the group.
        death: What it died of; nothing if it ended in peace.
        only: Key of the single task that it was made for, or None.

    Returns:
        Whether it was of use: it ended in peace, or had come so far as to take a task.

    Raises:
        ray.exceptions.RayActorError: The broker is gone.
    """
    reason = death or "its worker group ended"
    served: bool = ray.get(ground.broker.leave.remote(name, reason, only))
    if death:
        _log.warning("worker group %s: %s", name, death)
    return served or not death


def _folder_here(ground: Ground) -> Path:
    """Return the sweep's folder on this node.

    No other needs what Ray Train keeps there: runs leave their files themselves, and report none.
    """
    if Address.parse(ground.storage) is None:
        return ground.sweep_folder
    return storage_folder(ground.storage).joinpath(*ground.sweep_folder.parts[-2:])


class Pool:
    """The long-lived groups of a sweep, each followed by a thread of the driver.

    A group that breaks down is replaced, with its machine perhaps; if several in a row do so before
    they have taken a task, there is no sense in a further one.
    """

    def __init__(self, ground: Ground, account: Account) -> None:
        self._ground, self._account = ground, account
        self._wanted = ground.execution.groups
        self._threads: list[threading.Thread] = []
        self._alive = self._vain = 0
        self._closed = False
        self._lock = threading.Lock()
        self._fill()

    def resize(self, groups: int) -> None:
        """Keep so many groups: start what is missing; surplus ones leave after their trial."""
        with self._lock:
            changed = groups != self._wanted
            if changed:
                self._wanted, self._vain = groups, 0
        if changed:
            ray.get(self._ground.broker.resize.remote(groups))
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

    def _fill(self) -> None:
        with self._lock:
            while not self._closed and self._alive < self._wanted and self._vain < MOST_IN_VAIN:
                name = f"{len(self._threads)}"
                thread = threading.Thread(target=self._follow, args=(name,), daemon=True)
                self._threads.append(thread)
                self._alive += 1
                thread.start()

    def _follow(self, name: str) -> None:
        execution = self._ground.execution
        self._account.allocate(f"group {name}", devices_of(execution, execution.workers))
        death = run_group(self._ground, name)
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
            nobody = self._alive == 0 and self._vain >= MOST_IN_VAIN
        if nobody:
            reason = f"{MOST_IN_VAIN} worker groups in a row ended before they took a trial"
            self._ground.broker.close.remote(reason, INTERRUPTED)
            return
        self._fill()


class Crew:
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
    execution: ExecutionSettings,
    workshop: Workshop,
    folder: Path,
    attendance: Attendance | None = None,
) -> Iterator[Ground]:
    """Start the broker, and the pool if there is one; let them end with the block.

    Args:
        execution: How many groups, of how many workers.
        workshop: Of the storage and corpus that the groups work on.
        folder: Of the sweep.
        attendance: Leads them.
    """
    pooled = execution.isolation == "pool"
    account = Account() if attendance is None else attendance.account
    # On the driver's node: with any other the sweep would die, though its workers' trials need not.
    here = NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)
    broker = ray.remote(num_cpus=0, max_concurrency=1000, scheduling_strategy=here)(Broker).remote(
        execution.retries, execution.groups if pooled else None
    )
    ground = Ground(broker, workshop.address, workshop.corpus_folder, folder, execution)
    crew = Crew(broker, Pool(ground, account) if pooled else None)
    if attendance is not None:
        attendance.lead(crew)
    in_order = False
    try:
        yield ground
        in_order = True
    except Stopped as stopped:
        in_order = not stopped.hurried
        raise
    finally:
        if attendance is not None:
            attendance.lead(None)
        if in_order and crew.pool is not None:
            crew.pool.close()
        ray.kill(broker)
        if not in_order and crew.pool is not None:
            crew.pool.abandon()
