"""A worker group: a Ray Train run that serves the broker's tasks."""

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
import ray.exceptions
import ray.train

from fckd.config.campaign import ExecutionSettings
from fckd.storage.address import Address
from fckd.storage.shelf import storage_folder

PROCESS_GROUP_TIMEOUT_SECONDS = 120
CHANGES = 2
"""Ways in which a task may be changed and tried again: in smaller parts, without graphs."""

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

    One that dies over its only task is started again as long as that may be tried again.

    Args:
        ground: Where it works.
        name: Of the group, unique among those that are alive.
        only: Key of the single task to serve, or None.

    Returns:
        What it died of; nothing if it ended in peace.

    Raises:
        ray.exceptions.RayActorError: It died over its only task, and the broker is gone.
    """
    death = _run_once(ground, name, only)
    while death and only is not None and ray.get(ground.broker.lose.remote(name, death)):
        death = _run_once(ground, name, only)
    return death


def _run_once(ground: Ground, name: str, only: str | None) -> str:
    # Only here: every Tune trial has a Ground, and torch would more than double what it weighs.
    from ray.train.torch import TorchConfig, TorchTrainer

    from fckd.train.ray_workers import serve

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
