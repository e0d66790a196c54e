"""The whole service of a team on hosts of its own, as docs/service.md sets it up."""

import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.chaos.campaign import DEMO, Sweep
from tests.chaos.cluster import FREE_SECONDS, LOOK, found_in
from tests.services.hosts import Host, Network
from tests.services.postgres import Database, postgres
from tests.services.tracking import Server, tracking_server
from tests.storage.server import BUCKET, s3_server

START, SUBMIT = (str(Path("cluster", name).resolve()) for name in ("start.sh", "submit.sh"))
PREFIX = "team"
START_SECONDS, SCRIPT_SECONDS = 120, 300
NODES = """
import ray
ray.init(log_to_driver=False, logging_level="ERROR")
print(sum(node["Alive"] for node in ray.nodes()))
"""


@dataclass
class Service:
    """A team's service.

    Attributes:
        net: Where its hosts are plugged in.
        head: Of Ray; its driver runs there.
        database: PostgreSQL.
        tracking: MLflow.
        ledger: Address of the ledger.
        shared: Environment of every Ray host.
        workers: Those that live.
    """

    net: Network
    head: Host
    storage: Host
    services: Host
    database: Database
    tracking: Server
    ledger: str
    shared: dict[str, str]
    workers: list[Host]

    @property
    def ray(self) -> dict[str, str]:
        """Return what a driver on the head sets."""
        return {"RAY_ADDRESS": f"{self.head.address}:6379", "RAY_AUTH_MODE": "token"}

    def submit(self, *settings: str) -> tuple[Sweep, subprocess.Popen[bytes]]:
        """Submit the demo's smoke sweep as a job; return it, and the command that follows it."""
        place = self.head.folder / "cache" / BUCKET / PREFIX
        words = [f"storage=s3://{BUCKET}/{PREFIX}", *settings]
        given = [part for word in words for part in ("--set", word)]
        submitted = self.head.start("job", SUBMIT, str(DEMO.resolve()), "--smoke", *given)
        return Sweep(place, self.ledger, self.tracking.address), submitted

    def start(self, host: Host, folder: Path, *words: str) -> None:
        """Start a node on a host, which keeps its files in `folder`."""
        host.environment |= {**self.shared, "FCKD_CACHE": str(host.folder / "cache")}
        place = [f"--node-ip-address={host.address}", f"--temp-dir={folder}"]
        host.start("ray", START, *words, "--block", "--object-store-memory=100000000", *place)

    def add_worker(self, name: str, folder: Path) -> Host:
        """Add a host with one CPU and the head's token, as docs/cluster.md says."""
        host = self.net.host(name)
        shutil.copytree(self.head.home / ".ray", host.home / ".ray")
        self.start(host, folder, "worker", self.ray["RAY_ADDRESS"], "--num-cpus=1")
        self.workers.append(host)
        return host

    def await_nodes(self, count: int) -> None:
        """Wait until so many nodes are there."""
        deadline = time.monotonic() + START_SECONDS
        while (told := self._python(NODES, within=START_SECONDS)).stdout.strip() != str(count):
            assert time.monotonic() < deadline, told.stdout + told.stderr + self.said()
            time.sleep(1)

    def serving(self) -> Host:
        """Return the worker host on which the worker group is."""
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            for host in self.workers:
                if any("RayTrainWorker" in title(process) for process in host.processes()):
                    return host
            time.sleep(0.1)
        raise TimeoutError(f"no worker group: {self.said()}")

    def held(self) -> dict:
        """Return what is not free again after a minute: resources, placement groups, actors."""
        looked = self._python(LOOK, str(FREE_SECONDS))
        assert looked.returncode == 0, looked.stderr
        return {name: found for name, found in json.loads(found_in(looked.stdout)).items() if found}

    def mebibytes(self) -> dict[str, int]:
        """Return the memory of each host; what processes share is divided among them."""
        hosts = [self.head, self.storage, self.services, *self.workers]
        return {host.name: sum(map(_bytes, host.processes())) // 2**20 for host in hosts}

    def said(self) -> str:
        """Return the end of what was said on the head."""
        logs = self.head.folder.glob("*.log")
        return "\n".join(f"{log.name}: {log.read_text()[-4000:]}" for log in logs)

    def _python(
        self, script: str, *words: str, within: int = SCRIPT_SECONDS
    ) -> subprocess.CompletedProcess[str]:
        # ray.init waits for ever for a head that died while it was asked.
        limit = ("timeout", str(within))
        return self.head.run(*limit, sys.executable, "-c", script, *words, **self.ray)


@contextmanager
def team_service(net: Network, session: Callable[[], Path]) -> Iterator[Service]:
    """Bring it up: a head, two workers, a host with S3, and one with PostgreSQL and MLflow.

    Args:
        net: Which the hosts are plugged into.
        session: Makes folders whose names are short enough for Ray's sockets.
    """
    head, storage, services = (net.host(name) for name in ("head", "s3", "servers"))
    with (
        s3_server(storage.folder, storage.address, storage.within) as s3,
        postgres(services.address, services.within) as database,
        tracking_server(database, services.folder, services.address, services.within) as tracking,
    ):
        shared = s3.environment | {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "PYTHONPATH": str(Path.cwd()),
            "OMP_NUM_THREADS": "1",
        }
        ledger = database.url(database.create())
        service = Service(net, head, storage, services, database, tracking, ledger, shared, [])
        head.environment |= tracking.environment | {"FCKD_LEDGER_URL": ledger}
        service.start(head, session(), "head", "--num-cpus=0")
        service.await_nodes(1)
        for name in ("worker1", "worker2"):
            service.add_worker(name, session())
        service.await_nodes(3)
        yield service


def title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:  # it has ended meanwhile
        return ""


def _bytes(process: psutil.Process) -> int:
    try:
        return process.memory_full_info().pss
    except psutil.Error:
        return 0
