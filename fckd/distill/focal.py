"""Focal channels: the first K of a teacher's channels in descending saliency."""

from torch import Tensor


def focal_count(ratio: float, channels: int) -> int:
    """Return K = max(1, round(ratio × C)), the number of focal channels."""
    return max(1, round(ratio * channels))


def descending(saliency: Tensor) -> Tensor:
    """Return the channel indices (N, C) int64 in descending `saliency` (N, C); ties keep order."""
    return saliency.argsort(dim=1, descending=True, stable=True)


def gather_channels(features: Tensor, channels: Tensor) -> Tensor:
    """Pick the same channels from another feature map.

    Args:
        features: (N, C, *grid).
        channels: (N, K) int64, indices into C.

    Returns:
        (N, K, *grid).
    """
    index = channels.reshape(*channels.shape, *[1] * (features.ndim - 2))
    return features.gather(1, index.expand(-1, -1, *features.shape[2:]))
