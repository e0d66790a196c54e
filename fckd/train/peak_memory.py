"""How much memory a block of torch code holds at its peak."""

import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_iter


class Peak:
    """Bytes that the block held at its peak; known when it has ended."""

    def __init__(self) -> None:
        self.bytes = 0


@contextmanager
def peak_of(device: torch.device) -> Iterator[Peak]:
    """Measure the block: weights, gradients, optimiser state, and what backward passes need.

    On a GPU this is what its allocator says. On a CPU the tensors that operations read and make are
    counted as long as they live, views of one memory once; what a kernel allocates for itself is
    not seen. The process's resident set would not do: it keeps what earlier blocks gave back.
    """
    peak = Peak()
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
        before = torch.cuda.memory_allocated(device)
        yield peak
        peak.bytes = torch.cuda.max_memory_allocated(device) - before
        return
    with _Living() as living:
        yield peak
    peak.bytes = living.most


class _Living(TorchDispatchMode):
    """Counts the bytes of living tensors."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.most = self._now = 0
        self._known: set[int] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        given = kwargs or {}
        made = func(*args, **given)
        for value in tree_iter((args, given, made)):
            if isinstance(value, torch.Tensor):
                self._count(value.untyped_storage())
        self.most = max(self.most, self._now)
        return made

    def _count(self, storage: torch.UntypedStorage) -> None:
        address, size = storage._cdata, storage.nbytes()
        if address not in self._known:
            self._known.add(address)
            self._now += size
            weakref.finalize(storage, self._forget, address, size)

    def _forget(self, address: int, size: int) -> None:
        self._known.discard(address)
        self._now -= size
