"""Resampling by area, as two small matrix products (the rows, then the columns)."""

import numpy as np
from numpy.typing import NDArray

from fckd.data.forms import Array

Weights = NDArray[np.float32]


def area_weights(start: float, stop: float, size: int, length: int) -> Weights:
    """Return the (size, length) matrix that averages `length` pixels into `size` equal intervals.

    The intervals divide `start`..`stop`, in pixels; every row sums to 1. What lies outside
    0..`length` repeats the outermost pixel. `start` above `stop` reads backwards (a mirror).
    """
    edges = np.linspace(start, stop, size + 1)
    low, high = np.minimum(edges[:-1], edges[1:]), np.maximum(edges[:-1], edges[1:])
    pixel_start = np.arange(length, dtype=float)
    pixel_stop = pixel_start + 1
    pixel_start[0], pixel_stop[-1] = -np.inf, np.inf
    overlap = np.minimum(high[:, None], pixel_stop) - np.maximum(low[:, None], pixel_start)
    weights: Weights = (np.clip(overlap, 0, None) / (high - low)[:, None]).astype(np.float32)
    return weights


def resample(images: Array, rows: Weights, columns: Weights) -> NDArray[np.float32]:
    """Return images (..., H, W) as float32 (..., h, w); rows is (h, H) and columns (w, W)."""
    resampled: NDArray[np.float32] = rows @ images.astype(np.float32) @ columns.T
    return resampled
