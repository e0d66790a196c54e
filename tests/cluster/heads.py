"""A real Ray head on free ports of this machine, started as cluster/start.sh starts it."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.request import Request, urlopen

from tests.ports import free_port
from tests.surroundings import FOREIGN

START = Path("cluster/start.sh").resolve()
SUBMIT = Path("cluster/submit.sh").resolve()
START_LIMIT = 300.0
PORTS = {
    "port": 0,
    "dashboard-port": 1,
    "ray-client-server-port": 2,
    "dashboard-agent-listen-port": 3,
    "dashboard-agent-grpc-port": 4,
    "metrics-export-port": 5,
}


@dataclass(frozen=True)
class Head:
    """A running head.

    Attributes:
        address: Of its dashboard.
        token: The file with its token.
        session: Where Ray keeps its files.
    """

    address: str
    token: Path
    session: Path

    @property
    def environment(self) -> dict[str, str]:
        """What a user sets to reach it."""
        return {
            **_clean(os.environ),
            "RAY_API_SERVER_ADDRESS": self.address,
            "RAY_AUTH_TOKEN_PATH": str(self.token),
        }

    def submit(self, *arguments, **environment) -> subprocess.CompletedProcess:
        """Run cluster/submit.sh to its end."""
        return subprocess.run(
            [str(SUBMIT), *map(str, arguments)],
            env={**self.environment, **environment},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
        )

    def jobs(self) -> list[dict]:
        """Return what the head tells of its jobs."""
        token = self.token.read_text()
        asked = Request(f"{self.address}/api/jobs/", headers={"Authorization": f"Bearer {token}"})
        with urlopen(asked) as answer:
            return json.load(answer)


@contextmanager
def ray_head(folder: Path, **environment: str) -> Iterator[Head]:
    """Run a head whose token lies in `folder`; `environment` is what its jobs find."""
    ports = [free_port() for _ in PORTS]
    # a path that is short enough for Ray's sockets
    session = Path(tempfile.mkdtemp(prefix="ray", dir="/tmp"))
    head = Head(f"http://127.0.0.1:{ports[PORTS['dashboard-port']]}", folder / "token", session)
    options = [f"--{name}={ports[number]}" for name, number in PORTS.items()]
    command = [str(START), "head", "--block", "--num-cpus=2", f"--temp-dir={session}", *options]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, env={**head.environment, **environment}, stdout=log, stderr=log
        )
    try:
        _wait(head, process, folder / "log")
        yield head
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()
        shutil.rmtree(session, ignore_errors=True)


def _clean(environment) -> dict[str, str]:
    """Leave out what tells of other clusters and servers; commands are those of this Python."""
    kept = {name: value for name, value in environment.items() if not name.startswith(FOREIGN)}
    return {**kept, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{kept['PATH']}"}


def _wait(head: Head, process, log: Path) -> None:
    deadline = time.monotonic() + START_LIMIT
    while True:
        try:
            head.jobs()
        except OSError as refusal:
            if process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError(log.read_text()) from refusal
            time.sleep(0.3)
        else:
            return
