"""The divergence of two softened distributions on a GPU: one kernel forward, one backward.

A row of both sides is read once and stays in registers. Memory is passed five times in all (two
reads forward, two reads and a write backward); step by step it takes about twenty passes.
`fckd.distill.divergence` is the plain writing, and the oracle.
"""

from typing import Any

import torch
import triton
import triton.language as tl
from torch import Tensor
from torch.autograd import Function

from fckd.distill.fused_launch import launch


@triton.jit
def _softened(side, place, there, kept, scale):
    """Return softmax and log-softmax of a tile's rows."""
    values = tl.where(kept, tl.load(side + place, there, 0.0) * scale, -float("inf"))
    values -= tl.max(values, axis=1)[:, None]
    raised = tl.exp(values)
    total = tl.sum(raised, axis=1)[:, None]
    return raised / total, values - tl.log(total)


@triton.jit
def _forward(
    student, teacher, found, rows, length, scale, together: tl.constexpr, width: tl.constexpr
):
    row = tl.program_id(0).to(tl.int64) * together + tl.arange(0, together)
    column = tl.arange(0, width)
    kept = (column < length)[None, :]
    there, place = (row < rows)[:, None] & kept, row[:, None] * length + column[None, :]
    _, ours = _softened(student, place, there, kept, scale)
    share, theirs = _softened(teacher, place, there, kept, scale)
    terms = tl.where(kept, share * (theirs - ours), 0.0)
    tl.store(found + row, tl.sum(terms, axis=1) / (scale * scale), row < rows)


@triton.jit
def _backward(
    student,
    teacher,
    upstream,
    found,
    rows,
    length,
    scale,
    together: tl.constexpr,
    width: tl.constexpr,
):
    row = tl.program_id(0).to(tl.int64) * together + tl.arange(0, together)
    column = tl.arange(0, width)
    kept = (column < length)[None, :]
    there, place = (row < rows)[:, None] & kept, row[:, None] * length + column[None, :]
    ours, _ = _softened(student, place, there, kept, scale)
    theirs, _ = _softened(teacher, place, there, kept, scale)
    factor = tl.load(upstream + row, row < rows, 0.0)[:, None] / scale
    tl.store(found + place, factor * (ours - theirs), there)


class _Divergence(Function):
    @staticmethod
    def forward(context: Any, student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
        student, teacher = student.contiguous(), teacher.contiguous()
        found = student.new_empty(student.shape[:-1])
        launch(_forward, (student, teacher, found), student, 1 / temperature)
        context.save_for_backward(student, teacher)
        context.temperature = temperature
        return found

    @staticmethod
    def backward(context: Any, upstream: Tensor) -> tuple[Tensor, None, None]:
        student, teacher = context.saved_tensors
        found = torch.empty_like(student)
        arguments = (student, teacher, upstream.contiguous(), found)
        launch(_backward, arguments, student, 1 / context.temperature)
        return found, None, None


def fused_divergence(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """Return `divergence` of float32 tensors on a GPU, of a few thousand entries a row."""
    found: Tensor = _Divergence.apply(student, teacher, temperature)
    return found
