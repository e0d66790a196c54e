"""Distributions of the focal channels: over positions inside each, or over the channels.

Over positions: the channel-wise distillation of CWD (Shu et al., ICCV 2021, eq. 4 and 5), on the
focal channels only (Gan et al., IEEE Access 2023). At ratio 1 it is CWD with the divisor N·C.
Over channels: the other reading of the abstract's "distributions", for maps that share no grid.
"""

from torch import Tensor, nn

from fckd.config.objective import DistributionSettings, Reduction
from fckd.distill.divergence import divergence
from fckd.distill.grids import common_grid, position_means
from fckd.distill.reduction import divisor


def distribution_loss(
    student: Tensor,
    teacher: Tensor,
    temperature: float,
    emphasis: Tensor | None = None,
    reduction: Reduction = "per_channel",
) -> Tensor:
    """τ² · Σ KL(softmax over positions of teacher/τ ‖ the same of student/τ), sample by sample.

    Args:
        student: (N, K, P), the embedded student's focal channels on the common grid.
        teacher: (N, K, P), the teacher's focal channels; no gradient reaches it.
        temperature: τ > 0.
        emphasis: (N, K), how much each channel counts, of mean 1; None if all count alike.
        reduction: What the sum is divided by.

    Returns:
        (N,) ≥ 0; the loss is its mean.
    """
    channels = divergence(student, teacher, temperature)
    if emphasis is not None:
        channels = channels * emphasis
    return channels.sum(dim=1) / divisor(reduction, *student.shape[:2])


def channel_distribution_loss(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """τ² · KL(softmax over channels of the teacher's means/τ ‖ the same of the student's).

    Args:
        student: (N, K, *grid), the embedded student's focal channels.
        teacher: (N, K, *grid of the teacher); no gradient reaches it.
        temperature: τ > 0.

    Returns:
        (N,) ≥ 0; the loss is its mean.
    """
    return divergence(position_means(student), position_means(teacher), temperature)


class DistributionLoss(nn.Module):
    """Either of the two, as an experiment describes it."""

    def __init__(self, settings: DistributionSettings) -> None:
        super().__init__()
        self.settings = settings

    def forward(self, student: Tensor, teacher: Tensor, emphasis: Tensor | None) -> Tensor:
        """Return (N,) of the focal channels of both sides, (N, K, *grid) each."""
        settings = self.settings
        if settings.over == "channels":
            return channel_distribution_loss(student, teacher, settings.temperature)
        left, right = common_grid(student, teacher, settings.positions)
        return distribution_loss(left, right, settings.temperature, emphasis, settings.reduction)
