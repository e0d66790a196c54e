"""Maps of attention over positions (AT, Zagoruyko and Komodakis, ICLR 2017, eq. 2)."""

import torch
from torch import Tensor, nn

from fckd.config.objective import AttentionTransferSettings
from fckd.distill.grids import common_grid
from fckd.distill.precision import at_least_float32
from fckd.distill.unit import unit


def attention(features: Tensor, power: float) -> Tensor:
    """Return how active each position is: the mean over channels of |F|^p.

    Args:
        features: (N, C, *grid).
        power: p ≥ 1.

    Returns:
        (N, 1, *grid), float32 or wider.
    """
    wide = at_least_float32(features)
    # ‖F‖_p^p over the channels: no map of powers is made, nor kept for the gradient.
    length: Tensor = torch.linalg.vector_norm(wide, ord=power, dim=1, keepdim=True)
    return length.pow(power) / features.shape[1]


def attention_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """Mean over positions of (student's unit map - teacher's unit map)².

    The mean is that of the authors' code; eq. 2 has the norm of the difference, unsquared.

    Args:
        student: (N, P), the student's attention on the common grid.
        teacher: (N, P), the teacher's; no gradient reaches it.

    Returns:
        (N,) ≥ 0; the loss is its mean.
    """
    given, wanted = at_least_float32(student), at_least_float32(teacher.detach())
    return (unit(given, dim=1) - unit(wanted, dim=1)).square().mean(dim=1)


class AttentionTransferLoss(nn.Module):
    """`attention_loss` as an experiment describes it."""

    def __init__(self, settings: AttentionTransferSettings) -> None:
        super().__init__()
        self.settings = settings

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Return (N,) of (N, C_student, *grid) and (N, C_teacher, *grid).

        The attention is pooled to the common grid, not the features: a short, strong activation
        keeps its energy.
        """
        settings = self.settings
        given, wanted = attention(student, settings.power), attention(teacher, settings.power)
        left, right = common_grid(given, wanted, settings.positions)
        return attention_loss(left.flatten(1), right.flatten(1))
