"""Which of our GPU kernels can be had: torch for GPUs brings Triton, but not on every system."""

from functools import cache
from importlib.util import find_spec

import torch
from torch import Tensor

LONGEST = 8192
"""Entries of a row that a kernel keeps in registers."""


def may_be_fused(student: Tensor, teacher: Tensor) -> bool:
    """Return whether a kernel can take the rows (..., entries) of both sides."""
    alike = student.shape == teacher.shape and student.device == teacher.device
    single = student.dtype == teacher.dtype == torch.float32
    short = student.shape[-1] <= LONGEST
    return student.is_cuda and alike and single and short and _triton_is_there()


@cache
def _triton_is_there() -> bool:
    return find_spec("triton") is not None
