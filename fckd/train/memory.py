"""What to do when memory does not suffice: the same batch in smaller parts."""

import gc
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch

from fckd.train.task import Task

SAYS = ("can't allocate memory", "CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED")
"""In a RuntimeError, which is all that torch's CPU allocator and NVIDIA's libraries raise."""


def is_out_of_memory(error: BaseException) -> bool:
    """Whether `error` says that memory did not suffice."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in SAYS)


def free_memory() -> None:
    """Give back what a run that broke down has left behind."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def smaller_parts(task: Task, workers: int) -> Task | None:
    """Return the same task with half as many samples in memory at a time; None if it has one.

    Args:
        task: What did not fit.
        workers: Data-parallel workers that share its batch.
    """
    training: Mapping[str, Any] = task.experiment["training"]
    now = training["micro_batch"] or -(-training["batch_size"] // workers)
    if now == 1:
        return None
    changed = {**training, "micro_batch": -(-now // 2)}
    return replace(task, experiment={**task.experiment, "training": changed})
