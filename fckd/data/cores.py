"""How many processes may work side by side here: what this program may use, not what is built in.

A container or an allocation of a scheduler may be a small part of its machine. Linux says so in
control groups (cgroups), version 2 or 1; where there are none, as on macOS, the machine counts.
"""

import math
import os
from collections.abc import Iterator
from pathlib import Path

PROCESS = 2**29
"""Bytes for a process that reads recordings: 150 MB of libraries, the rest for one block."""

ROOT = Path("/")
GROUPS = Path("sys/fs/cgroup")


def cores(root: Path = ROOT) -> int:
    """Return how many cores this program may keep busy, at least 1.

    Args:
        root: Below it lie `proc` and `sys`.
    """
    own = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min([own or 1, *(math.ceil(quota) for quota in _quotas(root))]))


def processes(root: Path = ROOT) -> int:
    """Return how many processes of `PROCESS` bytes have a core and room in memory, at least 1."""
    return max(1, min([cores(root), *(room // PROCESS for room in _rooms(root))]))


def _quotas(root: Path) -> Iterator[float]:
    """Yield the cores that each control group around this program grants."""
    for group in _around(root, "cpu"):
        quota = _words(group / "cpu.max")
        quota = quota or _words(group / "cpu.cfs_quota_us") + _words(group / "cpu.cfs_period_us")
        if len(quota) == 2 and quota[0].isdigit():  # else "max", or -1: no limit
            yield int(quota[0]) / int(quota[1])


def _rooms(root: Path) -> Iterator[int]:
    """Yield the bytes that are free on this machine, and in each control group around us."""
    machine = _table(root / "proc" / "meminfo")
    if "MemAvailable:" in machine:
        yield 1024 * machine["MemAvailable:"]
    for group in _around(root, "memory"):
        limit = _words(group / "memory.max") or _words(group / "memory.limit_in_bytes")
        used = _words(group / "memory.current") or _words(group / "memory.usage_in_bytes")
        if limit and used and limit[0].isdigit():
            # files that were read and may be forgotten count as used
            counts = _table(group / "memory.stat")
            cached = counts.get("total_inactive_file", counts.get("inactive_file", 0))
            yield max(0, int(limit[0]) - int(used[0]) + cached)


def _around(root: Path, controller: str) -> Iterator[Path]:
    """Yield the folders of the control groups that this program is in, the innermost first."""
    for line in _lines(root / "proc" / "self" / "cgroup"):
        _, controllers, path = line.split(":", 2)
        if not controllers or controller in controllers.split(","):
            # inside a container the path may be that of the host, of which only the end is seen
            mount = root / GROUPS / (controller if controllers else "")
            group = mount / path.lstrip("/")
            yield from (each for each in (group, *group.parents) if each.is_relative_to(mount))


def _table(path: Path) -> dict[str, int]:
    """Return the first number of each line by the line's first word."""
    rows = (line.split() for line in _lines(path))
    return {row[0]: int(row[1]) for row in rows if len(row) > 1 and row[1].isdigit()}


def _words(path: Path) -> list[str]:
    return " ".join(_lines(path)).split()


def _lines(path: Path) -> list[str]:
    """Return the lines of a file, none if it is not there."""
    try:
        return path.read_text().splitlines()
    except OSError:
        return []
