"""Regression of the teacher's feature map (FitNet hints, Romero et al., ICLR 2015)."""

from torch import Tensor, nn

from fckd.config.objective import FitnetSettings
from fckd.distill.grids import common_grid
from fckd.distill.precision import at_least_float32


def fitnet_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """Mean over channels and positions of (student - teacher)².

    The paper has ½ of the sum; the mean is that of RepDistiller and mdistiller.

    Args:
        student: (N, C, P), the embedded student on the common grid; its embedding is the paper's
            regressor.
        teacher: (N, C, P); no gradient reaches it.

    Returns:
        (N,) ≥ 0; the loss is its mean.
    """
    difference = at_least_float32(student) - at_least_float32(teacher.detach())
    return difference.square().mean(dim=(1, 2))


class FitnetLoss(nn.Module):
    """`fitnet_loss` as an experiment describes it."""

    def __init__(self, settings: FitnetSettings) -> None:
        super().__init__()
        self.settings = settings

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Return (N,) of all channels of both sides, (N, C, *grid) each."""
        return fitnet_loss(*common_grid(student, teacher, self.settings.positions))
