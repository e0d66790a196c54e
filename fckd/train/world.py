"""The data-parallel ranks of one run, whoever started them (Ray Train, torchrun, or nobody)."""

import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, TypeVar

import torch
from torch import Tensor, distributed, nn
from torch.nn.parallel import DistributedDataParallel

T = TypeVar("T")
IDLE_SECONDS = 20.0
"""A sign of life between ranks that wait for each other; far below the limit of the process group
(fckd/sweep/groups.py)."""


class FailedElsewhere(Exception):  # noqa: N818 - it names what happened
    """What another rank did has failed; it tells why."""


class World:
    """This process among the ranks of torch's default process group; one rank if there is none.

    Args:
        alone: Whether this process works by itself, whatever group it is in.
    """

    def __init__(self, *, alone: bool = False) -> None:
        joined = not alone and distributed.is_available() and distributed.is_initialized()
        self.rank: int = distributed.get_rank() if joined else 0
        self.size: int = distributed.get_world_size() if joined else 1

    def parallel(self, module: nn.Module, device: torch.device) -> nn.Module:
        """Return `module` so that gradients are averaged over the ranks.

        On GPUs batch normalisation is synchronised; torch has no such layer for CPUs, where each
        rank normalises by its own share of the batch. Parts of the module may rest.

        Args:
            module: What learns.
            device: Where it is.
        """
        if self.size == 1:
            return module
        if device.type == "cuda":
            module = nn.SyncBatchNorm.convert_sync_batchnorm(module)
        # Unless it looks for those that rest, torch sorts gradients anew after a process's first
        # step, and adds those of a resumed run up in another order than those of a run in one go.
        return DistributedDataParallel(module, find_unused_parameters=True)

    def together(self, module: nn.Module, *, now: bool) -> AbstractContextManager[None]:
        """Return the block in which a backward pass averages gradients over the ranks, or waits.

        Args:
            module: What `parallel` returned.
            now: False adds this rank's gradients up until a later pass averages all of them.
        """
        if now or not isinstance(module, DistributedDataParallel):
            return nullcontext()
        waiting: AbstractContextManager[None] = module.no_sync()
        return waiting

    def share_buffers(self, module: nn.Module) -> None:
        """Give every rank the first one's buffers.

        On CPUs each rank's running statistics follow its own share of the last batch; the network
        that is measured must be the one that the first rank keeps.
        """
        if self.size > 1:
            for buffer in module.buffers():
                distributed.broadcast(buffer, src=0)

    def sum(self, values: Tensor) -> Tensor:
        """Return the element-wise sum of `values` over the ranks."""
        if self.size > 1:
            distributed.all_reduce(values)
        return values

    def patiently(self, work: Callable[[], T]) -> T:
        """Run `work`, and return what it returns once every rank has done its own.

        However long that takes, an upload say: torch lets nobody wait for long in silence.

        Raises:
            Exception: Whatever this rank's work raised, when the others are done too.
            FailedElsewhere: Another rank's did.
        """
        if self.size == 1:
            return work()
        with ThreadPoolExecutor(1, initializer=_on_the_same_device()) as thread:
            doing = thread.submit(work)
            pending = True
            while pending:
                wait([doing], timeout=IDLE_SECONDS)
                pending = self._is_said(not doing.done())
        failed = self._is_said(doing.exception() is not None)
        found = doing.result()
        if failed:
            raise FailedElsewhere
        return found

    def _is_said(self, mine: bool) -> bool:
        """Whether any rank says so."""
        return bool(self.sum(torch.tensor(int(mine), device=self._told_on())))

    def from_first(self, value: Any) -> Any:
        """Return the JSON value that rank 0 holds; `value` is ignored elsewhere.

        It travels as JSON, not pickled as torch would: ranks trust whoever is in their group, and
        torch asks nobody for a password.
        """
        if self.size == 1:
            return value
        device = self._told_on()
        content = bytearray(json.dumps(value).encode())
        length = torch.tensor(len(content), device=device)
        distributed.broadcast(length, src=0)
        told = torch.zeros(int(length), dtype=torch.uint8, device=device)
        if self.rank == 0:
            told.copy_(torch.frombuffer(content, dtype=torch.uint8))
        distributed.broadcast(told, src=0)
        return json.loads(told.cpu().numpy().tobytes())

    @staticmethod
    def _told_on() -> str:
        return "cuda" if distributed.get_backend() == "nccl" else "cpu"


def _on_the_same_device() -> Callable[[], None]:
    """Return what a thread must do first to work on the device of this one."""
    if not torch.cuda.is_initialized():
        return lambda: None
    return partial(torch.cuda.set_device, torch.cuda.current_device())
