"""Similarities among the samples of a batch (SP, Tung and Mori, ICCV 2019)."""

from torch import Tensor, nn

from fckd.config.objective import SimilarityPreservingSettings
from fckd.distill.precision import at_least_float32
from fckd.distill.unit import unit


def similarity(features: Tensor) -> Tensor:
    """Return the row-normalised Gram matrix of the samples.

    Args:
        features: (N, *any), flattened to one vector for each sample.

    Returns:
        (N, N); each row has L2 norm 1, or is zero where the sample is zero.
    """
    rows = at_least_float32(features).flatten(1)
    return unit(rows @ rows.T, dim=1)


def similarity_preserving_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """‖similarity of student - similarity of teacher‖²_F / N².

    Args:
        student: (N, *any).
        teacher: (N, *any), of any other shape; no gradient reaches it.

    Returns:
        A scalar ≥ 0; 0 for a batch of one.
    """
    return (similarity(student) - similarity(teacher.detach())).square().mean()


class SimilarityPreservingLoss(nn.Module):
    """`similarity_preserving_loss` as an experiment describes it."""

    def __init__(self, settings: SimilarityPreservingSettings) -> None:
        super().__init__()
        self.settings = settings

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Return a scalar of (N, C_student, *grid) and (N, C_teacher, *grid)."""
        return similarity_preserving_loss(student, teacher)
