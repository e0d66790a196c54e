"""A Ray cluster of our own: a head and worker nodes on this machine that can be killed."""

import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from pathlib import Path

import psutil

from tests.ports import free_port

START_SECONDS = 300
FREE_SECONDS = 60

LOOK = """
import json, os, sys, time
import ray
from ray.util.state import list_actors

ray.init(log_to_driver=False, logging_level="ERROR")
deadline = time.monotonic() + float(sys.argv[1])
while True:
    whole, free = ray.cluster_resources(), ray.available_resources()
    tables = ray.util.placement_group_table().values()
    held = {
        "resources": {
            name: whole[name] - free.get(name, 0)
            for name in whole
            if name in ("CPU", "GPU") and whole[name] != free.get(name, 0)
        },
        "placement groups": [table["state"] for table in tables if table["state"] != "REMOVED"],
        "actors": [
            actor.class_name
            for actor in list_actors(filters=[("state", "=", "ALIVE")])
            # Ray's own, one a cluster, which its first training run starts.
            if actor.class_name != "_AutoscalingCoordinatorActor"
        ],
    }
    if not any(held.values()) or time.monotonic() > deadline:
        break
    time.sleep(0.5)
print("found", json.dumps(held))
"""


class Cluster:
    """Nodes by name; the head's is `head`. A head that is started again has the same address."""

    def __init__(self) -> None:
        self._port = free_port()
        self._nodes: dict[str, subprocess.Popen[bytes]] = {}
        self._folders: list[Path] = []
        self.environment = {
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN": secrets.token_hex(32),
            "RAY_USAGE_STATS_ENABLED": "0",
            # A driver whose head is gone should not ask for it for a whole minute.
            "RAY_gcs_rpc_server_reconnect_timeout_s": "10",
        }

    @property
    def address(self) -> str:
        """For RAY_ADDRESS."""
        return f"127.0.0.1:{self._port}"

    def start(self, name: str, cpus: int) -> None:
        """Start a node and wait until it is there."""
        words = ["--num-cpus", str(cpus), "--block", "--disable-usage-stats"]
        for port in ("dashboard-agent-listen-port", "metrics-export-port"):
            words += [f"--{port}", str(free_port())]
        if name == "head":
            # Unix sockets have short names.
            folder = Path(tempfile.mkdtemp(prefix="ray", dir="/tmp"))
            self._folders.append(folder)
            words += ["--head", "--port", str(self._port), "--temp-dir", str(folder)]
            words += ["--dashboard-host", "127.0.0.1", "--dashboard-port", str(free_port())]
            words += ["--ray-client-server-port", str(free_port())]
        else:
            words += ["--address", self.address]
        node = subprocess.Popen(
            [str(Path(sys.executable).with_name("ray")), "start", *words],
            env={**os.environ, **self.environment},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._nodes[name] = node
        self._await(len(self._nodes))

    def kill(self, name: str) -> None:
        """Kill every process of a node, as a machine that loses its power would."""
        node = self._nodes.pop(name)
        family = psutil.Process(node.pid)
        processes = [*family.children(recursive=True), family]
        for process in processes:
            _kill(process)
        # A worker that was being started meanwhile is not among them.
        psutil.wait_procs(processes, timeout=10)
        node.wait()

    def processes(self, name: str, title: str) -> list[psutil.Process]:
        """Return the processes of a node with such a title."""
        family = psutil.Process(self._nodes[name].pid).children(recursive=True)
        return [process for process in family if title in _title(process)]

    def held(self) -> dict[str, list[str]]:
        """Return what is not free again after a minute: resources, placement groups, actors."""
        words = [sys.executable, "-c", LOOK, str(FREE_SECONDS)]
        looked = self._run(words, FREE_SECONDS + START_SECONDS)
        assert looked.returncode == 0, looked.stderr[-2000:]
        return {name: found for name, found in json.loads(found_in(looked.stdout)).items() if found}

    def close(self) -> None:
        """Kill what still runs."""
        for name in list(self._nodes):
            self.kill(name)
        for folder in self._folders:
            shutil.rmtree(folder, ignore_errors=True)

    def _await(self, nodes: int) -> None:
        script = (
            "import ray; ray.init(log_to_driver=False, logging_level='ERROR');"
            "print('found', sum(node['Alive'] for node in ray.nodes()))"
        )
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            counted = self._run([sys.executable, "-c", script], START_SECONDS)
            if counted.returncode == 0 and json.loads(found_in(counted.stdout)) >= nodes:
                return
            time.sleep(1)
        raise TimeoutError(f"no cluster of {nodes} nodes: {counted.stderr[-2000:]}")

    def _run(self, words: list[str], seconds: float) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, **self.environment, "RAY_ADDRESS": self.address}
        return subprocess.run(
            words, env=environment, capture_output=True, text=True, check=False, timeout=seconds
        )


@contextmanager
def running_cluster(**nodes: int):
    """Start a cluster with so many CPUs a node, the head first; kill it at the end of the block."""
    cluster = Cluster()
    try:
        for name, cpus in nodes.items():
            cluster.start(name, cpus)
        yield cluster
    finally:
        cluster.close()


def found_in(printed: str) -> str:
    """Return what a script found; Ray prints news of the cluster between its lines."""
    (line,) = (line for line in printed.splitlines() if line.startswith("found "))
    return line.removeprefix("found ")


def _kill(process: psutil.Process) -> None:
    try:
        process.kill()
    except psutil.NoSuchProcess:
        return


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:  # it ended meanwhile, or is a zombie
        return ""
