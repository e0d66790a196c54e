"""The MLflow server of a team, as `cluster/tracking.sh` starts it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import urlopen

import pytest
import requests

from tests.ports import free_port
from tests.services.postgres import LOOPBACK, Database
from tests.services.postgres import PASSWORD as DATABASE_PASSWORD

SCRIPT = Path(__file__).parents[2] / "cluster" / "tracking.sh"
ADMIN, ADMIN_PASSWORD = "admin", "canary-admin-6b1f90ce"
MEMBER, PASSWORD = "trainer", "canary-tracking-2e84d7"
START_LIMIT = 300.0


@dataclass(frozen=True)
class Server:
    """A running server and what it has written to its log."""

    address: str
    log: Path

    @property
    def environment(self) -> dict[str, str]:
        """What a member of the team sets."""
        return {
            "MLFLOW_TRACKING_URI": self.address,
            "MLFLOW_TRACKING_USERNAME": MEMBER,
            "MLFLOW_TRACKING_PASSWORD": PASSWORD,
        }


@contextmanager
def tracking_server(
    database: Database, folder: Path, address: str = LOOPBACK, within: tuple[str, ...] = ()
) -> Iterator[Server]:
    """Start the server on a free port, with one member beside the administrator.

    Args:
        database: Behind it.
        folder: Of its files.
        address: On which it listens.
        within: Words before a command that make it one of another host.
    """
    port = free_port()
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "MLFLOW_BACKEND_STORE_URI": database.url(database.create(), password=None),
        "PGPASSWORD": DATABASE_PASSWORD,
        "MLFLOW_ARTIFACTS_DESTINATION": str(folder / "artifacts"),
        "MLFLOW_AUTH_ADMIN_PASSWORD": ADMIN_PASSWORD,
        "TMPDIR": str(folder),
    }
    server = Server(f"http://{address}:{port}", folder / "log")
    reached = ["--host", address, "--port", str(port), "--allowed-hosts", f"{address}:*"]
    with server.log.open("wb") as log:
        process = subprocess.Popen(
            [*within, SCRIPT, *reached, "--workers", "1"],
            cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        _wait(server, process)
        _add_member(server)
        yield server
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _wait(server, process):
    deadline = time.monotonic() + START_LIMIT
    while True:
        try:
            urlopen(f"{server.address}/health").close()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(server.log.read_text())
            time.sleep(0.3)
        else:
            return


def _add_member(server):
    """Add a member as docs/service.md says."""
    answer = requests.post(
        f"{server.address}/api/2.0/mlflow/users/create",
        auth=(ADMIN, ADMIN_PASSWORD),
        json={"username": MEMBER, "password": PASSWORD},
        timeout=60,
    )
    answer.raise_for_status()
