"""How the kernels on rows are launched."""

from typing import Any

import torch
import triton
from torch import Tensor

TILE = 2048
"""Entries that one program takes: as many rows as they make, but at least one."""


def launch(kernel: Any, tensors: tuple[Tensor, ...], like: Tensor, *numbers: float) -> None:
    """Run `kernel` on all rows of `like`.

    Args:
        kernel: Of `tensors`, the number of rows, their length, `numbers`, and the constants
            `together` (rows that one program takes) and `width` (the next power of two).
        tensors: Contiguous.
        like: (..., entries).
        numbers: What else the kernel asks for.
    """
    length = like.shape[-1]
    rows, width = like.numel() // length, triton.next_power_of_2(length)
    together = max(1, TILE // width)
    with torch.cuda.device(like.device):
        kernel[(triton.cdiv(rows, together),)](
            *tensors, rows, length, *numbers, together=together, width=width
        )
