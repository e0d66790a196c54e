"""Blocks of a corpus made by all nodes of a cluster, into a folder that all of them see."""

import socket
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray
import ray.exceptions

from fckd.config.campaign import ExecutionSettings
from fckd.data.blocks import Block, BlockMaker
from fckd.data.sources.base import Recording
from fckd.errors import UserError
from fckd.sweep.cluster import connection

DEATHS = (
    ray.exceptions.WorkerCrashedError,
    ray.exceptions.NodeDiedError,
    ray.exceptions.OutOfMemoryError,
)
RETRIES = 3
"""Of a block whose process or node died."""
WAITING_PER_CPU = 2
"""Blocks handed out for every CPU: one is made, one is ready to be begun."""
SEEN_SECONDS = 60.0
"""The longest that a network file system hides a file that another node has finished."""
LOOK_SECONDS = 0.5


@dataclass(frozen=True)
class Made:
    """What came of a block, and on which machine."""

    host: str
    result: Block | UserError


def make_blocks_on_ray(
    maker: BlockMaker, blocks: Mapping[int, Sequence[Recording]]
) -> Iterator[tuple[int, Block]]:
    """Make `blocks` on Ray, one CPU each, and yield each with its number as it is finished.

    A block whose node died is made again elsewhere. If the caller ends early, finished blocks stay,
    and what was handed out is finished too or ends with this process: Ray 2.60 may abort a process
    that cancels a task which is just ending.

    Raises:
        UserError: The file system refuses, a node does not see the storage or the raw data, or a
            block's process died again and again.
    """
    if not blocks:
        return
    with connection(ExecutionSettings()):
        yield from _Hand(maker, blocks).finished()


class _Hand:
    """Hands blocks out, no more at a time than the cluster can soon begin."""

    def __init__(self, maker: BlockMaker, blocks: Mapping[int, Sequence[Recording]]) -> None:
        self._maker, self._blocks = maker, blocks
        self._shared = ray.put(maker)
        self._make = ray.remote(
            num_cpus=1, max_retries=RETRIES, scheduling_strategy="SPREAD"
        )(_make)  # fmt: skip
        self._numbers = iter(blocks)
        self._running: dict[Any, int] = {}

    def finished(self) -> Iterator[tuple[int, Block]]:
        self._fill()
        while self._running:
            ready, _ = ray.wait(list(self._running), num_returns=1)
            for reference in ready:
                block = self._taken(reference)
                yield self._running.pop(reference), block
            self._fill()

    def _fill(self) -> None:
        cpus = int(ray.cluster_resources().get("CPU", 1))
        while len(self._running) < WAITING_PER_CPU * max(1, cpus):
            number = next(self._numbers, None)
            if number is None:
                return
            recordings = list(self._blocks[number])
            self._running[self._make.remote(self._shared, number, recordings)] = number

    def _taken(self, reference: Any) -> Block:
        try:
            made: Made = ray.get(reference)
        except DEATHS as death:
            raise _died(death) from death
        if isinstance(made.result, UserError):
            raise made.result
        _wait_for(self._maker, made.result, made.host)
        return made.result


def _make(maker: BlockMaker, number: int, recordings: Sequence[Recording]) -> Made:
    """Make a block on whatever node this is."""
    host = socket.gethostname()
    files = (path for recording in recordings for path in recording.files.values())
    for path in (maker.shards, maker.notes, *files):
        if not path.exists():
            return Made(host, _not_seen(host, path))
    try:
        return Made(host, maker.make(number, recordings))
    except UserError as refusal:
        return Made(host, refusal)


def _wait_for(maker: BlockMaker, block: Block, host: str) -> None:
    """Return when this machine sees the shard that another one has finished.

    Raises:
        UserError: It does not.
    """
    if block.shard is None:
        return
    path, until = maker.shards / block.shard.name, time.monotonic() + SEEN_SECONDS
    while not _is_whole(path, block.shard.bytes):
        if time.monotonic() > until:
            raise UserError(
                f"{host} has finished {path}, which {socket.gethostname()} does not see",
                "a storage folder that all nodes of the Ray cluster share",
                "set storage to such a folder, or unset RAY_ADDRESS to prepare on this machine",
            )
        time.sleep(LOOK_SECONDS)


def _is_whole(path: Path, size: int) -> bool:
    return path.is_file() and path.stat().st_size == size


def _not_seen(host: str, path: Path) -> UserError:
    return UserError(
        f"{host}, a node of the Ray cluster, does not see {path}",
        "storage and data in folders that all nodes of the cluster share",
        "name such folders with --set storage=DIR and --data DIR, or unset RAY_ADDRESS to prepare "
        "on this machine",
    )


def _died(death: Exception) -> UserError:
    return UserError(
        "a process that reads recordings has died on the Ray cluster: "
        + str(death).partition("\n")[0],
        f"memory for one block of recordings on each CPU (it was tried {1 + RETRIES} times)",
        "free some memory or give nodes fewer CPUs, and run again: what is finished is kept",
    )
