"""The Ray cluster of a sweep: the one that is there, else a local one."""

import logging
import math
import os
import warnings
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import ray

from fckd.config.campaign import ExecutionSettings
from fckd.data.cores import cores
from fckd.errors import UserError
from fckd.sweep.companion import companion

QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_TRAIN_METRICS_ENABLED": "0",
    # Ray Train's controller looks after its workers this often; the default of 2 s delays the end
    # of every group.
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.2",
    # So long a group waits for room, a new node say, before that counts as a failure of its own.
    "RAY_TRAIN_WORKER_GROUP_START_TIMEOUT_S": "600",
    "RAY_worker_niceness": "0",
    # Workers stay in the driver's folder, so that relative paths mean the same everywhere.
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_MAX_PENDING_TRIALS_PG": "1",
    # Tune writes its state for a restoration that never comes: all trials, again and again.
    "TUNE_GLOBAL_CHECKPOINT_S": "1e9",
    "RAY_AIR_NEW_OUTPUT": "0",
    # Ctrl-C ends the sweep; Tune's own handler would end the search and let the rest go on.
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "RAY_ENABLE_UV_RUN_RUNTIME_ENV": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    # A sweep has some ten small actors, which the raylet of a machine with few cores warns about.
    "RAY_worker_maximum_startup_concurrency": "16",
}

SILENT: dict[str, Any] = {"log_to_driver": False, "logging_level": logging.ERROR}

UNITS = 10_000
"""Ray counts resources in such parts."""

PROXY = {"node:__internal_head__": 0.0001}
"""Of a Tune trial, which only waits for its worker group. On the head, and of its CPUs nothing: a
hundredth of a CPU of a worker node would leave no room there for a group that needs all of them."""


@contextmanager
def cluster(execution: ExecutionSettings) -> Iterator[None]:
    """Connect to the cluster in RAY_ADDRESS or of the submitted job, else start a local one.

    Raises:
        UserError: The cluster cannot be reached, or has too little for one round of trials.
    """
    with connection(execution):
        _check_resources(execution)
        yield


@contextmanager
def connection(execution: ExecutionSettings) -> Iterator[None]:
    """Connect to the given cluster, else start a local one with CPUs for `execution`.

    A connection that is there already is used, and stays.

    Raises:
        UserError: The cluster cannot be reached.
    """
    for name, value in QUIET.items():
        os.environ.setdefault(name, value)
    # Both speak of choices that Ray makes inside its own packages.
    warnings.filterwarnings("ignore", category=FutureWarning, module="ray")
    warnings.filterwarnings("ignore", category=DeprecationWarning, module="ray")
    for chatty in ("ray.tune", "ray.train"):
        logging.getLogger(chatty).setLevel(logging.ERROR)
    if ray.is_initialized():
        yield
        return
    address = os.environ.get("RAY_ADDRESS")
    with _joined(address) if address else _started(execution):
        yield


def room(execution: ExecutionSettings) -> int:
    """Return how many worker groups the cluster has room for."""
    return fitting(_nodes(), execution) // execution.workers


def fitting(nodes: Iterable[Mapping[str, float]], execution: ExecutionSettings) -> int:
    """Return how many workers fit on nodes with these resources (`CPU`, `GPU`), all else aside.

    A worker is on one node, and the part of a GPU that it has is of one GPU.
    """
    return sum(_fitting_on(node, execution) for node in nodes)


def _fitting_on(node: Mapping[str, float], execution: ExecutionSettings) -> int:
    workers = _units(node.get("CPU", 0)) // max(1, _units(execution.cpus_per_worker))
    if not execution.gpus_per_worker:
        return workers
    gpus, each = _units(node.get("GPU", 0)), max(1, _units(execution.gpus_per_worker))
    if each < UNITS:
        return min(workers, gpus // UNITS * (UNITS // each))
    return min(workers, gpus // each)


def _units(amount: float) -> int:
    return round(amount * UNITS)


def _nodes() -> list[Mapping[str, float]]:
    return [node["Resources"] for node in ray.nodes() if node["Alive"]]


@contextmanager
def _started(execution: ExecutionSettings) -> Iterator[None]:
    # Logical CPUs: all that the groups ask for are there, if only in name.
    needed = execution.groups * execution.workers * execution.cpus_per_worker
    cpus = max(cores(), math.ceil(needed))
    # The dashboard serves the state API, without which a lost group is never cleaned up.
    # "local", for without an address Ray would join whatever else runs on this machine.
    with companion("fckd.sweep.survivors"), _shut_down():
        ray.init(
            address="local",
            num_cpus=cpus,
            include_dashboard=True,
            dashboard_host="127.0.0.1",
            **SILENT,
        )
        _keep_token_private()
        yield


@contextmanager
def _joined(address: str) -> Iterator[None]:
    try:
        ray.init(address=address, **SILENT)
    except (ConnectionError, RuntimeError) as refusal:
        raise UserError(
            f"no Ray cluster answers at RAY_ADDRESS={address}: {refusal}",
            "the address of a running head, such as 127.0.0.1:6379, and this machine a node of it",
            "run this on a node of it, or submit it with cluster/submit.sh; start one with "
            "`ray start --head`; or unset RAY_ADDRESS to run locally",
        ) from refusal
    with companion("fckd.sweep.orphans", ray.get_runtime_context().get_job_id()), _shut_down():
        yield


@contextmanager
def _shut_down() -> Iterator[None]:
    try:
        yield
    finally:
        ray.shutdown()


def _keep_token_private() -> None:
    """Ray writes the token that opens the local cluster for everyone to read."""
    token = Path.home() / ".ray" / "auth_token"
    if token.exists() and token.stat().st_uid == os.getuid():
        token.chmod(0o600)


def _check_resources(execution: ExecutionSettings) -> None:
    nodes = _nodes()
    wanted, fits = execution.groups * execution.workers, fitting(nodes, execution)
    if wanted <= fits:
        return
    each = f"{execution.cpus_per_worker:g} CPU, {execution.gpus_per_worker:g} GPU"
    cpus, gpus = (sum(node.get(name, 0) for node in nodes) for name in ("CPU", "GPU"))
    raise UserError(
        f"execution.groups × execution.workers: {wanted} workers with {each} each",
        f"at most {fits}, which this Ray cluster has room for: {cpus:g} CPU, {gpus:g} GPU on "
        f"{len(nodes)} nodes, and a worker on one node, a part of a GPU on one GPU",
        # Whether nodes come by themselves, and how large ones, no cluster tells.
        "lower execution.groups, execution.workers or what each worker needs, or add nodes that "
        "are large enough; a cluster that grows by itself must begin with enough of them",
    )
