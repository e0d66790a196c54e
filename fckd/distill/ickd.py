"""Correlations among all channels (ICKD, Liu et al., ICCV 2021, eq. 2 and 3)."""

from torch import Tensor, nn

from fckd.config.objective import IckdSettings
from fckd.distill.correlation import correlation_loss


class IckdLoss(nn.Module):
    """`correlation_loss` of all channels, each counting alike."""

    def __init__(self, settings: IckdSettings) -> None:
        super().__init__()
        self.settings = settings

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Return (N,) of all channels of both sides, (N, C, *grid) each."""
        reduction = self.settings.reduction
        return correlation_loss(student.flatten(2), teacher.flatten(2), reduction=reduction)
