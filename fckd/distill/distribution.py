"""Distribution over positions inside each focal channel.

The channel-wise distillation of CWD (Shu et al., ICCV 2021, eq. 4 and 5), on the focal channels
only (Gan et al., IEEE Access 2023). At ratio 1 it is CWD with the reduction τ² / (N·C).
"""

from torch import Tensor
from torch.nn import functional as F

from fckd.distill.precision import at_least_float32


def distribution_loss(student: Tensor, teacher: Tensor, temperature: float) -> Tensor:
    """τ²/(N·K) · Σ KL(softmax over positions of teacher/τ ‖ the same of student/τ).

    Args:
        student: (N, K, P), the embedded student's focal channels on the common grid.
        teacher: (N, K, P), the teacher's focal channels; no gradient reaches it.
        temperature: τ > 0.

    Returns:
        A scalar ≥ 0.
    """
    wanted = F.log_softmax(at_least_float32(teacher.detach()) / temperature, dim=2)
    given = F.log_softmax(at_least_float32(student) / temperature, dim=2)
    divergence = F.kl_div(given, wanted, reduction="sum", log_target=True)
    return divergence * temperature**2 / (student.shape[0] * student.shape[1])
