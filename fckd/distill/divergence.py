"""The divergence of softened distributions, which several losses share."""

from torch import Tensor
from torch.nn import functional as F

from fckd.distill.kernels import may_be_fused
from fckd.distill.precision import at_least_float32


def divergence(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """τ² · KL(softmax of teacher/τ ‖ softmax of student/τ) along the last axis.

    Both logarithms come from log-softmax, so that no probability is ever so small that its
    logarithm is infinite. τ² keeps the gradient's size when τ grows (Hinton et al., 2015, 2.1).

    On a GPU one kernel does this and one its gradient.

    Args:
        student: (..., entries), any floating dtype.
        teacher: The same shape; no gradient reaches it.
        temperature: τ > 0.

    Returns:
        (...) ≥ 0, float32 or wider.
    """
    student, teacher = at_least_float32(student), at_least_float32(teacher.detach())
    if may_be_fused(student, teacher):
        from fckd.distill.fused_divergence import fused_divergence

        return fused_divergence(student, teacher, temperature)
    return plain_divergence(student, teacher, temperature)


def plain_divergence(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """Return the same, step by step; both sides are float32 or wider."""
    wanted = F.log_softmax(teacher / temperature, dim=-1)
    given = F.log_softmax(student / temperature, dim=-1)
    ratios = wanted - given
    # In place: the teacher's logarithms are not needed again, and a map of them is large.
    return (wanted.exp_() * ratios).sum(dim=-1) * temperature**2
