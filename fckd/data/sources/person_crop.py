"""A depth video without background, cropped to its person."""

import numpy as np
from numpy.typing import NDArray

from fckd.data.forms import DEPTH_MEDIAN, DEPTH_STEPS_PER_METRE, Array
from fckd.data.resampling import resample

SIZE = 48
MARGIN = 0.06
"""Of the box's longer side, on every side: room for the views to shift."""
GRID = 16
"""Side and centre of the box are multiples of this many pixels: noise at the border of the person
does not change the scale."""
COVERAGE = 0.25
"""Share of an output pixel that the person must cover to be seen there: thin arms survive."""

OPTIONS = [SIZE, MARGIN, GRID, COVERAGE]
"""What the result depends on."""


def crop_person(depth: Array, size: int = SIZE) -> NDArray[np.uint8]:
    """Return one square crop around the person for the whole clip, in the stored form.

    Args:
        depth: (T, H, W) uint16, millimetres, 0 where there is no person; at least one pixel is
            not 0.
        size: Height and width of the result, pixels.

    Returns:
        (T, size, size) uint8, see `fckd.data.forms`. An output pixel is the mean over the part of
        it that the person covers.
    """
    (top, bottom), (left, right) = _box(depth > 0)
    region = _window(depth, (top, bottom), (left, right))
    mask = region > 0
    nearness = _nearness(region, mask)
    whole = (0.0, float(bottom - top))
    coverage = resample(mask, whole, whole, size)
    total = resample(nearness * mask, whole, whole, size)
    mean = total / np.maximum(coverage, COVERAGE)
    seen = coverage >= COVERAGE
    return np.where(seen, np.clip(np.rint(mean), 1, 255), 0).astype(np.uint8)


def _box(mask: Array) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return rows and columns of the square; it may reach beyond the image."""
    seen = np.asarray(mask.any(axis=0))
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    longest = max(rows[-1] - rows[0], columns[-1] - columns[0]) + 1
    side = int(np.ceil(longest * (1 + 2 * MARGIN) / GRID) * GRID)
    starts = [
        round((axis[0] + axis[-1] + 1) / 2 / (GRID / 2)) * (GRID // 2) - side // 2
        for axis in (rows, columns)
    ]
    return (starts[0], starts[0] + side), (starts[1], starts[1] + side)


def _window(depth: Array, rows: tuple[int, int], columns: tuple[int, int]) -> Array:
    """Return the part of the images in rows × columns, with 0 beyond the border."""
    frames, height, width = depth.shape
    window = np.zeros((frames, rows[1] - rows[0], columns[1] - columns[0]), depth.dtype)
    top, bottom = max(rows[0], 0), min(rows[1], height)
    left, right = max(columns[0], 0), min(columns[1], width)
    inside = window[:, top - rows[0] : bottom - rows[0], left - columns[0] : right - columns[0]]
    inside[:] = depth[:, top:bottom, left:right]
    return window


def _nearness(region: Array, mask: NDArray[np.bool_]) -> NDArray[np.float32]:
    median = np.float32(np.median(region[mask]))
    metres = (median - region.astype(np.float32)) / 1000
    nearness: NDArray[np.float32] = np.clip(DEPTH_MEDIAN + DEPTH_STEPS_PER_METRE * metres, 1, 255)
    return nearness
