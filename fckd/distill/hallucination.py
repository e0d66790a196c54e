"""Features squeezed by a sigmoid (modality hallucination, Garcia et al., ECCV 2018)."""

from torch import Tensor, nn

from fckd.config.objective import HallucinationSettings
from fckd.distill.grids import common_grid
from fckd.distill.precision import at_least_float32


def hallucination_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """Mean over channels and positions of (sigmoid of student - sigmoid of teacher)².

    The authors' code sums over samples, channels and positions: N·C·P times as much, hence its
    weight of 0.01. Their soft cross-entropy is the term `logits`.

    Args:
        student: (N, C, P), the embedded student on the common grid.
        teacher: (N, C, P); no gradient reaches it.

    Returns:
        (N,) in [0, 1]; the loss is its mean.
    """
    given, wanted = at_least_float32(student), at_least_float32(teacher.detach())
    return (given.sigmoid() - wanted.sigmoid()).square().mean(dim=(1, 2))


class HallucinationLoss(nn.Module):
    """`hallucination_loss` as an experiment describes it."""

    def __init__(self, settings: HallucinationSettings) -> None:
        super().__init__()
        self.settings = settings

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Return (N,) of all channels of both sides, (N, C, *grid) each."""
        return hallucination_loss(*common_grid(student, teacher, self.settings.positions))
