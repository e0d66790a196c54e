"""Decoupled logit distillation: the true class against the rest, and the rest among themselves.

DKD (Zhao et al., CVPR 2022): TCKD is the first addend, NCKD the second.
"""

import torch
from torch import Tensor, nn

from fckd.config.objective import DkdSettings
from fckd.distill.divergence import divergence
from fckd.distill.precision import at_least_float32


def dkd_loss(
    student: Tensor,
    teacher: Tensor,
    labels: Tensor,
    temperature: float,
    target: float,
    non_target: float,
) -> Tensor:
    """α · T² KL(b_t ‖ b_s) + β · T² KL(r_t ‖ r_s).

    b is the pair of probabilities (true class, all others together), r the probabilities of the
    others among themselves, both at temperature T. With two classes there is one other class: r
    is 1 on both sides and the second addend is 0.

    Args:
        student: (N, classes) logits, at least two classes.
        teacher: (N, classes) logits; no gradient reaches it.
        labels: (N,) int64, the true classes.
        temperature: T > 0.
        target: α, the weight of the true class against the rest.
        non_target: β, the weight of the rest among themselves.

    Returns:
        (N,) ≥ 0; the loss is its mean.
    """
    true, others = _decoupled(student, labels)
    true_wanted, others_wanted = _decoupled(teacher, labels)
    binary = divergence(
        _against_the_rest(true, others, temperature),
        _against_the_rest(true_wanted, others_wanted, temperature),
        temperature,
    )
    return target * binary + non_target * divergence(others, others_wanted, temperature)


class DkdLoss(nn.Module):
    """`dkd_loss` as an experiment describes it."""

    def __init__(self, settings: DkdSettings) -> None:
        super().__init__()
        self.settings = settings

    def forward(self, student: Tensor, teacher: Tensor, labels: Tensor) -> Tensor:
        """Return (N,)."""
        settings = self.settings
        return dkd_loss(
            student,
            teacher,
            labels,
            settings.temperature,
            settings.target,
            settings.non_target,
        )


def _decoupled(logits: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
    """Return the true class's logit (N, 1) and all others (N, classes - 1)."""
    wide = at_least_float32(logits)
    true = labels.unsqueeze(1)
    others = torch.arange(wide.shape[1] - 1, device=labels.device)
    others = others + (others >= true)  # the classes in order, the true one left out
    return wide.gather(1, true), wide.gather(1, others)


def _against_the_rest(true: Tensor, others: Tensor, temperature: float) -> Tensor:
    """Return two logits (N, 2) whose softmax at T is (true class, all others together)."""
    rest = temperature * torch.logsumexp(others / temperature, dim=1, keepdim=True)
    return torch.cat([true, rest], dim=1)
