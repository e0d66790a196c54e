"""Resampling by area: every axis is a sparse weighing of its pixels.

Sparse on purpose: running sums take several times as long, and the threads of dense matrix products
wait for one another where several processes read recordings side by side. What a reading takes:
`python -m benchmarks.frame_coding`.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from fckd.data.forms import Array

Window = tuple[float, float]
"""Where an axis begins and ends, in pixels."""


def resample(images: Array, rows: Window, columns: Window, size: int) -> NDArray[np.float32]:
    """Return the window of images (..., H, W) as float32 (..., size, size).

    Every pixel of the result is the mean over its part of the window. What lies outside the image
    repeats the outermost pixel. A window whose start is above its end is read backwards (a
    mirror).
    """
    *leading, height, width = images.shape
    by_row = np.moveaxis(images, -2, 0).reshape(height, -1).astype(np.float32)
    down = (_weights(height, rows, size) @ by_row).reshape(size, -1, width)
    by_column = np.ascontiguousarray(down.T).reshape(width, -1)
    across = _weights(width, columns, size) @ by_column
    return np.moveaxis(across.reshape(size, *leading, size), 0, -1)


def _weights(length: int, window: Window, size: int) -> csr_array:
    """Return (size, length): what each pixel of an axis adds to the means over equal parts."""
    edges = np.linspace(*window, size + 1)
    # Of every pixel the share that lies before each edge; the outermost ones go on for ever.
    least, most = np.zeros(length), np.ones(length)
    least[0], most[-1] = -np.inf, np.inf
    before = np.clip(edges[:, None] - np.arange(length), least, most)
    return csr_array((np.diff(before, axis=0) / np.diff(edges)[:, None]).astype(np.float32))
