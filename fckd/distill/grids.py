"""Feature maps of unlike networks, brought to the grid that they share."""

from torch import Tensor
from torch.nn import functional as F

from fckd.distill.precision import at_least_float32

IMAGE_AXES = 3
"""A grid of time, height and width; shorter grids share only their time axis with it."""


def common_grid(student: Tensor, teacher: Tensor, positions: int) -> tuple[Tensor, Tensor]:
    """Average-pool both maps to the coarser grid along the axes that they share.

    Time is always shared; height and width only between two image-like maps (T, H, W). Other axes
    (the joints of a graph) are averaged. Nothing is ever interpolated up.

    Args:
        student: (N, K, *grid of the student).
        teacher: (N, K, *grid of the teacher).
        positions: Upper bound of the common number of time positions.

    Returns:
        Two tensors (N, K, P) of equal shape, float32 or wider.
    """
    student, teacher = at_least_float32(student), at_least_float32(teacher)
    if student.ndim == teacher.ndim == 2 + IMAGE_AXES:
        time, height, width = (
            min(a, b) for a, b in zip(student.shape[2:], teacher.shape[2:], strict=True)
        )
        grid = (min(time, positions), height, width)
        pooled = (F.adaptive_avg_pool3d(side, grid).flatten(2) for side in (student, teacher))
    else:
        student, teacher = _time_only(student), _time_only(teacher)
        steps = min(student.shape[2], teacher.shape[2], positions)
        pooled = (F.adaptive_avg_pool1d(side, steps) for side in (student, teacher))
    left, right = pooled
    return left, right


def position_means(features: Tensor) -> Tensor:
    """Average each channel over all positions: (N, C, *grid) to (N, C), float32 or wider."""
    return at_least_float32(features).flatten(2).mean(dim=2)


def _time_only(features: Tensor) -> Tensor:
    return features.flatten(3).mean(dim=3) if features.ndim > IMAGE_AXES else features
