"""Focal channels: the first K of a teacher's channels in descending saliency."""

import torch
from torch import Tensor

from fckd.config.experiment import Criterion, FocalSettings


def focal_count(focal: FocalSettings, channels: int) -> int:
    """Return K = max(1, round(ratio × C)), the number of focal channels; C if all are."""
    if focal.criterion is Criterion.ALL:
        return channels
    return max(1, round(focal.ratio * channels))


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
    samples, count = channels.shape
    first = torch.arange(samples, device=channels.device).unsqueeze(1) * features.shape[1]
    # By whole maps: `gather` goes value by value, which takes twice as long.
    chosen = features.flatten(0, 1).index_select(0, (first + channels).flatten())
    return chosen.reshape(samples, count, *features.shape[2:])


def scatter_channels(features: Tensor, channels: Tensor) -> Tensor:
    """Put channels back where `gather_channels` took them from.

    Args:
        features: (N, C, *grid).
        channels: (N, C) int64, a permutation of C in each row.

    Returns:
        (N, C, *grid), in the teacher's own order.
    """
    return torch.empty_like(features).scatter(1, _index(features, channels), features)


def emphasis(saliency: Tensor, mean: Tensor, temperature: float) -> Tensor:
    """Return how much each focal channel counts under the soft selection.

    K · softmax(saliency / (mean · T)): after FGD's channel attention (Yang et al., CVPR 2022,
    eq. 4); ours divides by the mean, so that the temperature has no unit.

    Args:
        saliency: (N, K) of the focal channels, not negative.
        mean: (N,) of the saliency of all channels.
        temperature: T > 0; the larger, the more alike the channels count.

    Returns:
        (N, K), of mean 1 in each row.
    """
    # Where a teacher is silent (mean 0) all its channels count alike.
    scale = torch.where(mean > 0, mean, torch.ones_like(mean)).unsqueeze(1) * temperature
    return (saliency / scale).softmax(dim=1) * saliency.shape[1]


def _index(features: Tensor, channels: Tensor) -> Tensor:
    index = channels.reshape(*channels.shape, *[1] * (features.ndim - 2))
    return index.expand(-1, -1, *features.shape[2:])
