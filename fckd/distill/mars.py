"""The classifier's inputs (MARS, Crasto et al., CVPR 2019).

Every network here classifies the means of its map over positions, so that on one map MARS is CD:
the two papers differ in their layers and weights (MARS: the last one, 50; CD: each stage, 6).
"""

from torch import Tensor, nn

from fckd.config.objective import MarsSettings
from fckd.distill.channel_distillation import channel_means_loss


class MarsLoss(nn.Module):
    """`channel_means_loss` under the name and weight of MARS."""

    def __init__(self, settings: MarsSettings) -> None:
        super().__init__()
        self.settings = settings

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Return (N,) of all channels of both sides, (N, C, *grid) each."""
        return channel_means_loss(student, teacher)
