"""Resampling by area, through running sums.

No matrix products: their threads wait for one another on a busy machine, and several processes
that read recordings side by side then take ten times as long (measured).
"""

import numpy as np
from numpy.typing import NDArray

from fckd.data.forms import Array

Window = tuple[float, float]
"""Where an axis begins and ends, in pixels."""


def resample(images: Array, rows: Window, columns: Window, size: int) -> NDArray[np.float32]:
    """Return the window of images (..., H, W) as float32 (..., size, size).

    Every pixel of the result is the mean over its part of the window. What lies outside the image
    repeats the outermost pixel. A window whose start is above its end is read backwards (a
    mirror).
    """
    across = _averaged(images.astype(np.float32), columns, size)
    return np.swapaxes(_averaged(np.swapaxes(across, -1, -2), rows, size), -1, -2)


def _averaged(values: NDArray[np.float32], window: Window, size: int) -> NDArray[np.float32]:
    """Return the means over `size` equal parts of the window along the last axis."""
    edges = np.linspace(*window, size + 1)
    pixel = np.clip(np.floor(edges).astype(np.int64), 0, values.shape[-1] - 1)
    part = (edges - pixel).astype(np.float32)
    sums = np.cumsum(values, axis=-1)
    # the sum of all pixels before each edge, and that part of the edge's own pixel that precedes it
    before = np.take(sums, pixel, axis=-1) + np.take(values, pixel, axis=-1) * (part - 1)
    means = np.diff(before, axis=-1) / np.diff(edges)
    return means.astype(np.float32)
