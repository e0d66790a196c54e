"""Means of the channels over positions (CD, Zhou et al., ECCV workshops 2020)."""

from torch import Tensor, nn

from fckd.config.objective import ChannelDistillationSettings
from fckd.distill.grids import position_means


def channel_means_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """Mean over channels of (mean over positions of student - the same of teacher)².

    Args:
        student: (N, C, *grid), the embedded student.
        teacher: (N, C, *grid of the teacher); no gradient reaches it.

    Returns:
        (N,) ≥ 0; the loss is its mean.
    """
    difference = position_means(student) - position_means(teacher.detach())
    return difference.square().mean(dim=1)


class ChannelDistillationLoss(nn.Module):
    """`channel_means_loss` as an experiment describes it."""

    def __init__(self, settings: ChannelDistillationSettings) -> None:
        super().__init__()
        self.settings = settings

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Return (N,) of all channels of both sides, (N, C, *grid) each."""
        return channel_means_loss(student, teacher)
