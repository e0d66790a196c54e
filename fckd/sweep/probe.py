"""Do the ledger and every node of the Ray cluster do what a sweep asks of them?"""

import uuid
from pathlib import Path

import ray
from optuna.storages import RDBStorage
from optuna.study import StudyDirection
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from fckd.config.campaign import ExecutionSettings
from fckd.errors import UserError
from fckd.files import write_bytes
from fckd.storage.address import Address
from fckd.storage.shelf import proved, storage_folder
from fckd.sweep.cluster import cluster
from fckd.sweep.ledger_places import shown

NODE_SECONDS = 60.0


def proved_ledger(storage: RDBStorage) -> str:
    """Write a study, read it, delete it, and return what was done.

    Raises:
        UserError: It gives back something else.
    """
    name = f"doctor-{uuid.uuid4().hex}"
    study = storage.create_new_study([StudyDirection.MAXIMIZE], name)
    try:
        storage.set_study_user_attr(study, "written", name)
        # Through another connection than the writer's.
        storage.remove_session()
        read = storage.get_study_user_attrs(study).get("written")
    finally:
        storage.delete_study(study)
    if read != name:
        raise UserError(
            f"the ledger {shown(storage)} gives back {read!r}",
            "what was written there",
            "look into the database, or choose another",
        )
    return f"{shown(storage)} takes a study and gives it back"


def proved_nodes(address: str) -> str:
    """Let every node of the cluster read what this machine writes into the storage.

    Raises:
        UserError: No cluster, or a node that does not see the storage.
    """
    probe = f".doctor-{uuid.uuid4().hex}"
    here = storage_folder(address) / probe
    with cluster(ExecutionSettings()):
        there = ray.cluster_resources()
        nodes = [node for node in ray.nodes() if node["Alive"]]
        write_bytes(here, probe.encode())
        try:
            asked = {_name(node): _on(node, address, probe) for node in nodes}
            troubles = {name: ray.get(ref, timeout=NODE_SECONDS) for name, ref in asked.items()}
        finally:
            here.unlink()
    for name, trouble in troubles.items():
        if trouble:
            raise UserError(
                f"node {name}: {trouble}",
                "nodes that all see the storage",
                "give every node the same folder, or S3 with the AWS_… variables set there",
            )
    return (
        f"{len(nodes)} nodes see the storage, with {there.get('CPU', 0):g} CPU and "
        f"{there.get('GPU', 0):g} GPU"
    )


def _on(node: dict[str, str], address: str, probe: str) -> "ray.ObjectRef[str]":
    here = NodeAffinitySchedulingStrategy(node["NodeID"], soft=False)
    task = ray.remote(num_cpus=0, max_retries=0, scheduling_strategy=here)(_trouble)
    return task.remote(address, probe)


def _trouble(address: str, probe: str) -> str:
    """Return what a node finds wrong with the storage, or nothing."""
    if Address.parse(address) is None:
        seen = (Path(address).expanduser() / probe).exists()
        return "" if seen else f"{address} is another folder here than on the driver's machine"
    try:
        proved(address)
    except UserError as refusal:
        return refusal.given
    return ""


def _name(node: dict[str, str]) -> str:
    return f"{node['NodeManagerHostname']} ({node['NodeID'][:8]})"
