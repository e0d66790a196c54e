"""Several hosts on one machine: namespaces with an address, processes and a home of their own.

What one sees of another goes through its network card, which can be cut.
"""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psutil
import pytest

from tests.surroundings import FOREIGN

SUBNET = "10.99.0"
INIT = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")
ADOPT = "sleep infinity & wait"
"""The first process of a host: it adopts those that lose their parent, and they go with it."""


class Host:
    """A host that runs from now on until it is killed.

    Args:
        name: Of at most eight letters.
        address: In the subnet.
        bridge: What its card is plugged into.
        folder: Which nobody else uses; its home is there.
    """

    def __init__(self, name: str, address: str, bridge: str, folder: Path) -> None:
        self.name, self.address, self.folder = name, address, folder
        self.home = folder / "home"
        self.home.mkdir(parents=True)
        self._namespace = f"{bridge}-{name}"
        # The name of a network card has at most fifteen letters.
        self._card = f"{bridge[-6:]}-{name}"
        ip("netns", "add", self._namespace)
        ip("link", "add", self._card, "type", "veth", "peer", "eth0", "netns", self._namespace)
        ip("link", "set", self._card, "master", bridge, "up")
        self._ip("addr", "add", f"{address}/24", "dev", "eth0")
        for card in ("lo", "eth0"):
            self._ip("link", "set", card, "up")
        # It leads nowhere; programs that look for their own address need one.
        self._ip("route", "add", "default", "via", f"{SUBNET}.1")
        self._init = subprocess.Popen(
            ["ip", "netns", "exec", self._namespace, *INIT, "bash", "-c", f"echo; {ADOPT}"],
            stdout=subprocess.PIPE,
        )
        assert self._init.stdout is not None
        self._init.stdout.readline()  # its first process is there
        (first,) = psutil.Process(self._init.pid).children()
        self.within = ("nsenter", "--net", "--mount", "--pid", "--target", str(first.pid))
        """Words before a command that make it one of this host's."""
        self.environment = {
            **{name: text for name, text in os.environ.items() if not name.startswith(FOREIGN)},
            "HOME": str(self.home),
        }

    def run(self, *command: str, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end."""
        return subprocess.run(
            [*self.within, *command],
            env=self.environment | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def start(self, name: str, *command: str, **environment: str) -> subprocess.Popen[bytes]:
        """Start a command; what it says is in the file NAME.log of the host's folder."""
        with (self.folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [*self.within, *command],
                env=self.environment | environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def open_ports(self) -> list[int]:
        """Return the ports on which it listens to others than itself."""
        sockets = (line.split()[3] for line in self.run("ss", "-Htln").stdout.splitlines())
        ends = (socket.rpartition(":") for socket in sockets)
        return sorted({int(port) for at, _, port in ends if at not in ("127.0.0.1", "[::1]")})

    def processes(self) -> list[psutil.Process]:
        """Return what runs on it."""
        found = subprocess.run(
            ["ip", "netns", "pids", self._namespace], capture_output=True, text=True, check=True
        )
        return [
            psutil.Process(int(pid)) for pid in found.stdout.split() if psutil.pid_exists(int(pid))
        ]

    def cut(self) -> None:
        """Pull its network cable: what is sent to it or by it gets lost."""
        ip("link", "set", self._card, "down")

    def join(self) -> None:
        """Plug it in again."""
        ip("link", "set", self._card, "up")

    def kill(self) -> None:
        """Take its power: with its first process the kernel kills all of them."""
        self._init.kill()
        self._init.wait()

    def remove(self) -> None:
        """Kill it, and forget its network."""
        self.kill()
        ip("link", "del", self._card)
        ip("netns", "del", self._namespace)

    def _ip(self, *words: str) -> None:
        ip("-netns", self._namespace, *words)


class Network:
    """A bridge, and hosts that are plugged into it; this machine is one more, with address 1."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._folder, self._stack, self._taken = folder, stack, 1
        self._bridge = f"fckd{os.getpid()}"
        ip("link", "add", self._bridge, "type", "bridge")
        stack.callback(ip, "link", "del", self._bridge)
        ip("addr", "add", f"{SUBNET}.1/24", "dev", self._bridge)
        ip("link", "set", self._bridge, "up")

    def host(self, name: str) -> Host:
        """Return a new host with the next address."""
        self._taken += 1
        host = Host(name, f"{SUBNET}.{self._taken}", self._bridge, self._folder / name)
        self._stack.callback(host.remove)
        return host


@contextmanager
def network(folder: Path) -> Iterator[Network]:
    """Lay a network; hosts keep their files in `folder`, and are killed at the end of the block.

    Skips where this machine does not allow it.
    """
    trial = f"fckd{os.getpid()}"
    if os.geteuid() != 0 or not all(map(shutil.which, ("ip", "ss", "nsenter", "unshare"))):
        pytest.skip("hosts need root, iproute2 and util-linux")
    added = subprocess.run(["ip", "netns", "add", trial], capture_output=True, text=True)
    if added.returncode:
        pytest.skip(f"no network namespaces here: {added.stderr.strip()}")
    ip("netns", "del", trial)
    with ExitStack() as stack:
        yield Network(folder, stack)


def ip(*words: str) -> None:
    """Run iproute2."""
    ran = subprocess.run(["ip", *words], capture_output=True, text=True, check=False)
    assert ran.returncode == 0, f"ip {' '.join(words)}: {ran.stderr}"
