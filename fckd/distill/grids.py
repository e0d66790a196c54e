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
        coarser = zip(student.shape[2:], teacher.shape[2:], strict=True)
        time, *image = (min(lengths) for lengths in coarser)
    else:
        student, teacher = _time_only(student), _time_only(teacher)
        time, image = min(student.shape[2], teacher.shape[2]), []
    grid = (min(time, positions), *image)
    return _pooled(student, grid), _pooled(teacher, grid)


def position_means(features: Tensor) -> Tensor:
    """Average each channel over all positions: (N, C, *grid) to (N, C), float32 or wider."""
    return at_least_float32(features).flatten(2).mean(dim=2)


def _pooled(features: Tensor, grid: tuple[int, ...]) -> Tensor:
    """Average-pool (N, K, *finer grid) to `grid` and return (N, K, P).

    The cells are those of adaptive pooling, whose mean is the mean of the means along each axis.
    Axis by axis, equal lengths cost nothing and whole ratios a fifth of adaptive pooling.
    """
    for axis, length in enumerate(grid, start=2):
        features = _pooled_along(features, axis, length)
    return features.flatten(2)


def _pooled_along(features: Tensor, axis: int, length: int) -> Tensor:
    before, finer, behind = features.shape[:axis], features.shape[axis], features.shape[axis + 1 :]
    if finer == length:
        return features
    if finer % length == 0:
        return features.reshape(*before, length, finer // length, *behind).mean(dim=axis + 1)
    lines = features.movedim(axis, -1)
    pooled = F.adaptive_avg_pool1d(lines.flatten(0, -2), length)
    return pooled.reshape(*before, *behind, length).movedim(-1, axis)


def _time_only(features: Tensor) -> Tensor:
    return features.flatten(3).mean(dim=3) if features.ndim > IMAGE_AXES else features
