"""Distribution over positions inside every channel (CWD, Shu et al., ICCV 2021, eq. 4 and 5)."""

from torch import Tensor, nn

from fckd.config.objective import CwdSettings
from fckd.distill.distribution import distribution_loss
from fckd.distill.grids import common_grid


class CwdLoss(nn.Module):
    """`distribution_loss` of all channels, each counting alike."""

    def __init__(self, settings: CwdSettings) -> None:
        super().__init__()
        self.settings = settings

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Return (N,) of all channels of both sides, (N, C, *grid) each."""
        settings = self.settings
        left, right = common_grid(student, teacher, settings.positions)
        return distribution_loss(left, right, settings.temperature, reduction=settings.reduction)
