"""Distances and angles among the samples of a batch (RKD, Park et al., CVPR 2019)."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from fckd.config.objective import RelationalSettings
from fckd.distill.grids import position_means
from fckd.distill.precision import at_least_float32
from fckd.distill.unit import unit


def relational_loss(student: Tensor, teacher: Tensor, distance: float, angle: float) -> Tensor:
    """λ_d · mean of Huber(d_s, d_t) + λ_a · mean of Huber(cos_s, cos_t).

    d: the N² distances between samples, relative to their mean; cos: the cosines of the N³ angles
    that two samples span at a third. Both means include the pairs of a sample with itself. Memory
    grows with N² · D and N³: of 256 samples of 512 channels the differences alone take 134 MB.

    Args:
        student: (N, D_student).
        teacher: (N, D_teacher); no gradient reaches it.
        distance: λ_d ≥ 0.
        angle: λ_a ≥ 0.

    Returns:
        A scalar ≥ 0; 0 for a batch of one.
    """
    given, wanted = _differences(student), _differences(teacher.detach())
    distances = F.smooth_l1_loss(_relative_distances(given), _relative_distances(wanted))
    angles = F.smooth_l1_loss(_cosines(given), _cosines(wanted))
    return distance * distances + angle * angles


class RelationalLoss(nn.Module):
    """`relational_loss` as an experiment describes it."""

    def __init__(self, settings: RelationalSettings) -> None:
        super().__init__()
        self.settings = settings

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Return a scalar of (N, C_student, *grid) and (N, C_teacher, *grid)."""
        settings = self.settings
        given, wanted = position_means(student), position_means(teacher)
        return relational_loss(given, wanted, settings.distance, settings.angle)


def _differences(vectors: Tensor) -> Tensor:
    """Return (N, N, D): at [i, j] the vector from sample i to sample j."""
    wide = at_least_float32(vectors)
    return wide.unsqueeze(0) - wide.unsqueeze(1)


def _relative_distances(differences: Tensor) -> Tensor:
    """Return (N, N), of mean 1 over the pairs that are apart; zeros if none is."""
    distances: Tensor = torch.linalg.vector_norm(differences, dim=2)
    mean = distances.sum() / (distances > 0).sum().clamp_min(1)
    return distances / mean.masked_fill(mean == 0, torch.inf)


def _cosines(differences: Tensor) -> Tensor:
    """Return (N, N, N): at [i, j, k] the cosine of the angle at sample i between j and k."""
    directions = unit(differences, dim=2)
    return directions @ directions.transpose(1, 2)
