"""Correlations among focal channels.

The inter-channel correlation of ICKD (Liu et al., ICCV 2021, eq. 2 and 3), on the focal channels
only (Gan et al., IEEE Access 2023). At ratio 1 it is ICKD.
"""

from typing import Any

from torch import Tensor, nn
from torch.autograd import Function

from fckd.config.objective import CorrelationSettings, Reduction
from fckd.distill.kernels import may_be_fused
from fckd.distill.precision import at_least_float32
from fckd.distill.reduction import divisor
from fckd.distill.unit import unit


def gram(features: Tensor) -> Tensor:
    """Return the channels' Gram matrices (N, K, K) of features (N, K, P).

    Half precision is widened to float32 before the products.
    """
    found: Tensor = _Gram.apply(at_least_float32(features))  # type: ignore[no-untyped-call]
    return found


def correlation_loss(
    student: Tensor,
    teacher: Tensor,
    emphasis: Tensor | None = None,
    reduction: Reduction = "per_channel",
) -> Tensor:
    """Squared Frobenius distance of the two correlation matrices, sample by sample.

    The number of positions may differ between the two sides: a graph or series teacher can teach
    a video student.

    Args:
        student: (N, K, P_student), the embedded student's focal channels.
        teacher: (N, K, P_teacher), the teacher's focal channels; no gradient reaches it.
        emphasis: (N, K), how much each row counts, of mean 1; None if all count alike.
        reduction: What the sum is divided by.

    Returns:
        (N,) ≥ 0; the loss is its mean, in [0, 2] for non-negative features and `per_channel`.
    """
    rows = row_distances(gram(student), gram(teacher.detach()))
    if emphasis is not None:
        rows = rows * emphasis
    return rows.sum(dim=1) / divisor(reduction, *student.shape[:2])


def row_distances(student: Tensor, teacher: Tensor) -> Tensor:
    """Return the squared distance of each row's direction.

    On a GPU one kernel does this and one its gradient.

    Args:
        student: (N, K, K), Gram matrices.
        teacher: The same shape; it needs no gradient.

    Returns:
        (N, K), in [0, 4]; a row that is zero has no direction and counts as zero.
    """
    if may_be_fused(student, teacher):
        from fckd.distill.fused_rows import fused_row_distances

        return fused_row_distances(student, teacher)
    return plain_row_distances(student, teacher)


def plain_row_distances(student: Tensor, teacher: Tensor) -> Tensor:
    """Return the same, step by step: rows divided by their L2 norms, and subtracted."""
    return (unit(student, dim=2) - unit(teacher, dim=2)).square().sum(dim=2)


class CorrelationLoss(nn.Module):
    """`correlation_loss` as an experiment describes it."""

    def __init__(self, settings: CorrelationSettings) -> None:
        super().__init__()
        self.settings = settings

    def forward(self, student: Tensor, teacher: Tensor, emphasis: Tensor | None) -> Tensor:
        """Return (N,) of the focal channels of both sides, (N, K, *grid) each."""
        reduction = self.settings.reduction
        return correlation_loss(student.flatten(2), teacher.flatten(2), emphasis, reduction)


class _Gram(Function):
    """X Xᵀ, whose gradient (G + Gᵀ) X is one product; left to autograd it is two, and their sum."""

    @staticmethod
    def forward(context: Any, x: Tensor) -> Tensor:
        context.save_for_backward(x)
        return x @ x.transpose(1, 2)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> Tensor:
        (x,) = context.saved_tensors
        found: Tensor = (gradient + gradient.transpose(1, 2)) @ x
        return found
