"""Whether our GPU kernels can be had: they need Triton, and that a C compiler where it runs."""

import os
import shutil
import sysconfig
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import torch
from torch import Tensor

LONGEST = 8192
"""Entries of a row that a kernel keeps in registers."""


def may_be_fused(student: Tensor, teacher: Tensor) -> bool:
    """Return whether a kernel can take the rows (..., entries) of both sides."""
    alike = student.shape == teacher.shape and student.device == teacher.device
    single = student.dtype == teacher.dtype == torch.float32
    short = student.shape[-1] <= LONGEST
    return student.is_cuda and alike and single and short and not lacking()


@cache
def lacking() -> str:
    """Return what is missing here for the kernels, in words; nothing if they can be had.

    Torch for GPUs brings Triton, though not on every system. Triton compiles, on the machine that
    trains, a few lines of C by which Python launches a kernel.
    """
    if find_spec("triton") is None:
        return "Triton"
    if not (os.environ.get("CC") or shutil.which("gcc") or shutil.which("clang")):
        return "a C compiler"
    return "" if python_headers().exists() else "Python.h"


def python_headers() -> Path:
    """Return where the header of Python's own C interface is, if it was installed."""
    return Path(sysconfig.get_path("include", "posix_prefix"), "Python.h")
