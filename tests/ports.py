"""Ports of the loopback for servers that tests start."""

import os
import socket
from collections.abc import Iterator
from pathlib import Path

FIRST = 20_000
"""Above those that Ray gives its workers."""
CONNECTIONS = Path("/proc/sys/net/ipv4/ip_local_port_range")
USUAL_END = 32_768
BLOCK = 64


def free_port() -> int:
    """Return a port of the loopback on which nobody listens, another one at each call.

    Some seconds pass until the server that gets it listens. So it is none of those that the kernel
    gives to connections, and two processes look for theirs in different places.
    """
    return next(filter(_is_free, _PORTS))


def _ports() -> Iterator[int]:
    end = int(CONNECTIONS.read_text().split()[0])
    if end < FIRST + BLOCK:  # nothing is kept from connections here
        end = USUAL_END
    count = end - FIRST
    begin = BLOCK * os.getpid()
    return (FIRST + (begin + number) % count for number in range(count))


def _is_free(port: int) -> bool:
    with socket.socket() as trial:
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


_PORTS = _ports()
