"""Kernel correlations among the samples of a batch (CC, Peng et al., ICCV 2019)."""

import math

import torch
from torch import Tensor, nn

from fckd.config.objective import CorrelationCongruenceSettings
from fckd.distill.grids import position_means
from fckd.distill.precision import at_least_float32
from fckd.distill.unit import unit


def kernel(vectors: Tensor, gamma: float, order: int) -> Tensor:
    """Return the Gaussian kernel among samples, as a Taylor series of their cosines.

    exp(-γ ‖a - b‖²) = exp(-2γ) · exp(2γ ⟨a, b⟩) for unit vectors, the second factor up to ⟨a, b⟩^P.

    Args:
        vectors: (N, D); they are brought to length 1, which the series presupposes.
        gamma: γ > 0.
        order: P ≥ 1.

    Returns:
        (N, N), at most 1.
    """
    directions = unit(at_least_float32(vectors), dim=1)
    exponent = 2 * gamma * (directions @ directions.T)
    series = torch.ones_like(exponent)
    for power in range(1, order + 1):
        series = series + exponent**power / math.factorial(power)
    return math.exp(-2 * gamma) * series


def correlation_congruence_loss(
    student: Tensor, teacher: Tensor, gamma: float, order: int
) -> Tensor:
    """‖kernel of student - kernel of teacher‖²_F / N².

    Args:
        student: (N, D_student).
        teacher: (N, D_teacher); no gradient reaches it.
        gamma: γ > 0 of the kernel.
        order: P ≥ 1 of its Taylor series.

    Returns:
        A scalar ≥ 0; 0 for a batch of one.
    """
    difference = kernel(student, gamma, order) - kernel(teacher.detach(), gamma, order)
    return difference.square().mean()


class CorrelationCongruenceLoss(nn.Module):
    """`correlation_congruence_loss` as an experiment describes it."""

    def __init__(self, settings: CorrelationCongruenceSettings) -> None:
        super().__init__()
        self.settings = settings

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Return a scalar of (N, C_student, *grid) and (N, C_teacher, *grid)."""
        settings = self.settings
        given, wanted = position_means(student), position_means(teacher)
        return correlation_congruence_loss(given, wanted, settings.gamma, settings.order)
