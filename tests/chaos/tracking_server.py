"""A real MLflow server that can be killed, behind a door that can refuse or keep silent."""

import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from pathlib import Path
from urllib.request import urlopen

from tests.ports import free_port

START_SECONDS = 300
REFUSAL = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class TrackingServer:
    """On the store of a campaign, so that what it keeps can be read there when it is gone."""

    def __init__(self, storage: Path) -> None:
        storage.mkdir(parents=True, exist_ok=True)
        self._storage, self._port = storage, free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self.door = Door(self._port)

    def start(self) -> None:
        """Start it and wait until it answers."""
        words = ["--workers", "1", "--host", "127.0.0.1", "--port", str(self._port)]
        words += ["--backend-store-uri", f"sqlite:///{self._storage / 'mlflow.db'}"]
        words += ["--serve-artifacts", "--artifacts-destination", str(self._storage / "served")]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "mlflow", "server", *words],
            cwd=self._storage,
            env={**os.environ, "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        deadline = time.monotonic() + START_SECONDS
        while not self._answers():
            assert time.monotonic() < deadline, "the MLflow server did not start"
            time.sleep(0.2)

    def kill(self) -> None:
        """Kill it with its workers."""
        if self._process is not None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def _answers(self) -> bool:
        try:
            with urlopen(f"http://127.0.0.1:{self._port}/health", timeout=5):
                return True
        except OSError:
            return False


class Door:
    """Stands before a port; its mode is `pass`, `refuse` (500 to every request) or `hang`."""

    def __init__(self, behind: int) -> None:
        self._behind, self.mode = behind, "pass"
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._open: list[socket.socket] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def switch(self, mode: str) -> None:
        """Change the mode; connections that are open are cut."""
        self.mode = mode
        for one in self._open:
            _close(one)
        self._open.clear()

    def close(self) -> None:
        """Let nobody in any more."""
        self._listener.close()
        self.switch("hang")

    def _listen(self) -> None:
        while True:
            try:
                guest, _ = self._listener.accept()
            except OSError:  # closed
                return
            self._open.append(guest)
            threading.Thread(target=self._serve, args=(guest, self.mode), daemon=True).start()

    def _serve(self, guest: socket.socket, mode: str) -> None:
        try:
            if mode == "refuse":
                guest.recv(65536)
                guest.sendall(REFUSAL)
                _close(guest)
            elif mode == "pass":
                with socket.create_connection(("127.0.0.1", self._behind)) as host:
                    self._open.append(host)
                    _carry(guest, host)
        except OSError:  # either side was cut, or nobody is behind the door
            _close(guest)


def _carry(guest: socket.socket, host: socket.socket) -> None:
    other = {guest: host, host: guest}
    while True:
        ready, _, _ = select.select(list(other), [], [])
        for one in ready:
            content = one.recv(65536)
            if not content:
                _close(guest)
                return
            other[one].sendall(content)


def _close(one: socket.socket) -> None:
    # Closing alone would not wake a thread that waits on it.
    try:
        one.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
    finally:
        one.close()


@contextmanager
def tracking_server(storage: Path):
    """Start a server; kill it at the end of the block."""
    server = TrackingServer(storage)
    server.start()
    try:
        yield server
    finally:
        server.door.close()
        server.kill()
