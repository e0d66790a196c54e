"""The whole service on hosts of its own, and a sweep that loses one of them and misses another.

`pytest -s tests/services/test_whole_service.py` prints how long it took, and its memory.
"""

import json
import os
import shutil
import sys
import tempfile
import time
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import psutil
import psycopg2
import pytest
from safetensors.numpy import load_file

from fckd.registry.store import Registry
from tests.chaos import whole
from tests.chaos.campaign import DEMO, SETTINGS, Campaign, Sweep
from tests.chaos.cluster import FREE_SECONDS, LOOK
from tests.chaos.moments import Moment, comes
from tests.services.hosts import Host, Network, network
from tests.services.postgres import Database, postgres
from tests.services.tracking import Server, tracking_server
from tests.storage.server import BUCKET, s3_server

pytestmark = [
    pytest.mark.ray,
    pytest.mark.service,
    pytest.mark.chaos,
    pytest.mark.long,
    pytest.mark.timeout(1800),
]

START, SUBMIT = (str(Path("cluster", name).resolve()) for name in ("start.sh", "submit.sh"))
PREFIX = "team"
START_SECONDS, SWEEP_SECONDS = 120, 1200
CUT_SECONDS = 20
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
        while (told := self._python(NODES)).stdout.strip() != str(count):
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
        return {name: found for name, found in json.loads(looked.stdout).items() if found}

    def mebibytes(self) -> dict[str, int]:
        """Return the memory of each host; what processes share is divided among them."""
        hosts = [self.head, self.storage, self.services, *self.workers]
        return {host.name: sum(map(_bytes, host.processes())) // 2**20 for host in hosts}

    def said(self) -> str:
        """Return the end of what was said on the head."""
        logs = self.head.folder.glob("*.log")
        return "\n".join(f"{log.name}: {log.read_text()[-4000:]}" for log in logs)

    def _python(self, script: str, *words: str):
        return self.head.run(sys.executable, "-c", script, *words, **self.ray)


@pytest.fixture(scope="module")
def session():
    """Return a function that makes folders whose names are short enough for Ray's sockets."""
    with ExitStack() as stack:
        yield lambda: Path(
            stack.enter_context(
                tempfile.TemporaryDirectory(prefix="ray", ignore_cleanup_errors=True)
            )
        )


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    with network(tmp_path_factory.mktemp("net")) as laid:
        yield laid


@pytest.fixture(scope="module")
def service(net, session):
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
        whole_service = Service(
            net, head, storage, services, database, tracking, ledger, shared, []
        )
        head.environment |= tracking.environment | {"FCKD_LEDGER_URL": ledger}
        whole_service.start(head, session(), "head", "--num-cpus=0")
        whole_service.await_nodes(1)
        for name in ("worker1", "worker2"):
            whole_service.add_worker(name, session())
        whole_service.await_nodes(3)
        yield whole_service


@pytest.fixture(scope="module")
def reference(net, tmp_path_factory):
    """The same sweep on this machine alone, undisturbed; not run where there is no network."""
    campaign = Campaign(tmp_path_factory.mktemp("reference"))
    campaign.finish()
    return campaign


@pytest.fixture(scope="module")
def swept(service, session):
    """The sweep, which loses the host of its group, and later the network of the next one's."""
    began = time.monotonic()
    place = service.head.folder / "cache" / BUCKET / PREFIX
    sweep = Sweep(place, service.ledger, service.tracking.address)
    words = [f"storage=s3://{BUCKET}/{PREFIX}", *SETTINGS]
    given = [part for word in words for part in ("--set", word)]
    submitted = service.head.start("job", SUBMIT, str(DEMO.resolve()), "--smoke", *given)

    def wound(epochs: int) -> Host:
        assert comes(Moment("epoch", epochs, 0.0), sweep, submitted), service.said()
        host = service.serving()
        host.cut()
        sweep.wounds.append(f"{host.name} after {len(sweep.events().splitlines())} events")
        return host

    lost = wound(3)
    lost.kill()
    service.workers.remove(lost)
    service.add_worker("worker3", session())
    memory = service.mebibytes()
    missed = wound(3)
    time.sleep(CUT_SECONDS)
    missed.join()
    assert submitted.wait(SWEEP_SECONDS) == 0, service.said()
    took = time.monotonic() - began
    sys.stdout.write(f"\n{sweep}: {took:.0f} s; MiB {memory}, {sum(memory.values())} in all\n")
    return sweep


@pytest.fixture
def member(service, monkeypatch):
    """This process as a member of the team, who reaches the tracking server."""
    for name, value in service.tracking.environment.items():
        monkeypatch.setenv(name, value)


@pytest.mark.parametrize("password", ["", "wrong"])
def test_the_ledger_refuses_a_stranger(service, password):
    with pytest.raises(psycopg2.OperationalError, match="password"):
        psycopg2.connect(
            host=service.services.address,
            port=service.database.port,
            user="fckd",
            password=password,
            dbname="postgres",
        )


def test_the_champion_is_that_of_the_undisturbed_sweep(swept, reference, member, tmp_path):
    students = [
        load_file(Registry(sweep.tracking).pull("demo", tmp_path / name) / "model.safetensors")
        for name, sweep in (("ours", swept), ("theirs", reference))
    ]
    ours, theirs = students
    assert ours.keys() == theirs.keys()
    assert all((ours[name] == theirs[name]).all() for name in ours), swept
    assert whole.leaderboard(swept) == whole.leaderboard(reference), swept


def test_the_ledger_has_every_trial_of_the_undisturbed_sweep(swept, reference):
    assert whole.trials(swept) == whole.trials(reference), swept


def test_mlflow_has_every_run_once_and_whole(swept, reference, member):
    assert whole.runs(swept) == whole.runs(reference), swept
    assert whole.versions(swept) == 1


def test_nothing_is_held_when_the_sweep_has_ended(swept, service):
    assert service.held() == {}, swept


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
