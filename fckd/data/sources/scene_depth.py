"""A depth video with its background, in the stored form."""

import numpy as np
from numpy.typing import NDArray

from fckd.data.forms import FARTHEST, NEAREST, Array
from fckd.data.resampling import resample

COVERAGE = 0.25
"""Share of an output pixel that must have been measured."""


def shrink_scene(depth: Array, shorter_side: int) -> NDArray[np.uint8]:
    """Return whole scenes in the stored form (`fckd.data.forms`), squashed to a square.

    Args:
        depth: (T, H, W) uint16, millimetres, 0 where nothing was measured.
        shorter_side: Height and width of the result, pixels; less if the video is smaller.

    Returns:
        (T, side, side) uint8. A pixel is the mean over that part of it that was measured.
    """
    _, height, width = depth.shape
    side = min(shorter_side, height, width)
    measured = depth > 0
    steps = 254 / (FARTHEST - NEAREST)
    nearness = 255 - steps * (np.float32(1 / 1000) * depth - np.float32(NEAREST))
    rows, columns = (0.0, float(height)), (0.0, float(width))
    coverage = resample(measured, rows, columns, side)
    total = resample(np.clip(nearness, 1, 255) * measured, rows, columns, side)
    mean = total / np.maximum(coverage, COVERAGE)
    return np.where(coverage >= COVERAGE, np.clip(np.rint(mean), 1, 255), 0).astype(np.uint8)
