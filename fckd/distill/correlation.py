"""Correlations among focal channels.

The inter-channel correlation of ICKD (Liu et al., ICCV 2021, eq. 2 and 3), on the focal channels
only (Gan et al., IEEE Access 2023). At ratio 1 it is ICKD with the reduction 1 / (N·C).
"""

from torch import Tensor
from torch.nn import functional as F

from fckd.distill.precision import at_least_float32


def channel_correlation(features: Tensor) -> Tensor:
    """Return the row-normalised channel Gram matrix.

    Args:
        features: (N, K, P). Half precision is widened to float32 before the products.

    Returns:
        (N, K, K); each row has L2 norm 1, or is zero where the channel is zero.
    """
    wide = at_least_float32(features)
    return F.normalize(wide @ wide.transpose(1, 2), dim=2)


def correlation_loss(student: Tensor, teacher: Tensor) -> Tensor:
    """Squared Frobenius distance of the two correlation matrices, divided by N·K.

    The number of positions may differ between the two sides: a graph or series teacher can teach
    a video student.

    Args:
        student: (N, K, P_student), the embedded student's focal channels.
        teacher: (N, K, P_teacher), the teacher's focal channels; no gradient reaches it.

    Returns:
        A scalar, in [0, 2] for non-negative features.
    """
    difference = channel_correlation(student) - channel_correlation(teacher.detach())
    return difference.square().sum() / (student.shape[0] * student.shape[1])
