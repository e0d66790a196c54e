"""The distance of two matrices' normalised rows on a GPU: one kernel forward, one backward.

A row of both sides is read once and stays in registers: two reads forward, two reads and a write
backward. `fckd.distill.correlation.plain_row_distances` is the plain writing, and the oracle.
"""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.autograd import Function

from fckd.distill.fused_launch import launch


@triton.jit
def _unit(side, place, there):
    """Return a tile's rows divided by their lengths, and one over these; zeros of zeros."""
    values = tl.load(side + place, there, 0.0)
    length = tl.sqrt(tl.sum(values * values, axis=1))
    inverse = tl.where(length > 0, 1 / tl.where(length > 0, length, 1.0), 0.0)
    return values * inverse[:, None], inverse


@triton.jit
def _forward(student, teacher, found, rows, length, together: tl.constexpr, width: tl.constexpr):
    row = tl.program_id(0).to(tl.int64) * together + tl.arange(0, together)
    column = tl.arange(0, width)
    there = (row < rows)[:, None] & (column < length)[None, :]
    place = row[:, None] * length + column[None, :]
    ours, _ = _unit(student, place, there)
    theirs, _ = _unit(teacher, place, there)
    difference = ours - theirs
    tl.store(found + row, tl.sum(difference * difference, axis=1), row < rows)


@triton.jit
def _backward(
    student, teacher, upstream, found, rows, length, together: tl.constexpr, width: tl.constexpr
):
    row = tl.program_id(0).to(tl.int64) * together + tl.arange(0, together)
    column = tl.arange(0, width)
    there = (row < rows)[:, None] & (column < length)[None, :]
    place = row[:, None] * length + column[None, :]
    ours, inverse = _unit(student, place, there)
    theirs, _ = _unit(teacher, place, there)
    difference = ours - theirs
    along = tl.sum(difference * ours, axis=1)[:, None]
    factor = 2 * tl.load(upstream + row, row < rows, 0.0) * inverse
    tl.store(found + place, factor[:, None] * (difference - along * ours), there)


class _RowDistances(Function):
    @staticmethod
    def forward(context: Any, student: Tensor, teacher: Tensor) -> Tensor:
        student, teacher = student.contiguous(), teacher.contiguous()
        found = student.new_empty(student.shape[:-1])
        launch(_forward, (student, teacher, found), student)
        context.save_for_backward(student, teacher)
        return found

    @staticmethod
    def backward(context: Any, upstream: Tensor) -> tuple[Tensor, None]:
        student, teacher = context.saved_tensors
        found = torch.empty_like(student)
        launch(_backward, (student, teacher, upstream.contiguous(), found), student)
        return found, None


def fused_row_distances(student: Tensor, teacher: Tensor) -> Tensor:
    """Return `row_distances` of float32 tensors on a GPU, of a few thousand entries a row."""
    found: Tensor = _RowDistances.apply(student, teacher)
    return found
