"""Whether memory sufficed. What is done if not: `fckd.train.task.smaller_parts`."""

import gc

import torch

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
