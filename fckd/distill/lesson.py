"""A lesson: what one teacher says about a batch."""

from dataclasses import dataclass

import torch
from torch import Tensor

from fckd.config.experiment import FocalSettings
from fckd.distill.focal import descending, emphasis, focal_count, gather_channels, scatter_channels


@dataclass(frozen=True)
class Lesson:
    """What one teacher says about a batch of (sample, view) pairs.

    Attributes:
        logits: (N, classes) float32.
        features: (N, K or C, *grid) float, the focal channels first, or None where only logits are
            used. All C are there if a term reads the whole map.
        channels: (N, K or C) int64, which of the teacher's channels these are, or None likewise.
        focal: K, the number of focal channels.
        emphasis: (N, K), how much each focal channel counts, of mean 1; None if all count alike.
    """

    logits: Tensor
    features: Tensor | None = None
    channels: Tensor | None = None
    focal: int = 0
    emphasis: Tensor | None = None

    def focal_part(self) -> tuple[Tensor, Tensor]:
        """Return the focal channels' features (N, K, *grid) and their indices (N, K).

        Raises:
            ValueError: The lesson has no features.
        """
        features, channels = self._map()
        return features[:, : self.focal], channels[:, : self.focal]

    def whole(self) -> Tensor:
        """Return all channels (N, C, *grid) in the teacher's own order.

        Raises:
            ValueError: The lesson has no features.
        """
        return scatter_channels(*self._map())

    def _map(self) -> tuple[Tensor, Tensor]:
        if self.features is None or self.channels is None:
            raise ValueError("a feature term needs a lesson with features")
        return self.features, self.channels


def lesson(
    logits: Tensor,
    features: Tensor,
    saliency: Tensor,
    focal: FocalSettings,
    *,
    whole: bool,
) -> Lesson:
    """Return the lesson of a teacher that runs now; a store returns the same of one that ran once.

    Args:
        logits: (N, classes).
        features: (N, C, *grid), in the teacher's own order.
        saliency: (N, C). Of the whole batch, or for the scope `dataset` of the data set in every
            row.
        focal: Which channels are focal.
        whole: Whether all channels are wanted beside the focal ones.
    """
    if focal.scope == "batch":
        saliency = saliency.mean(dim=0, keepdim=True).expand_as(saliency)
    count = focal_count(focal, features.shape[1])
    channels = descending(saliency)[:, : None if whole else count]
    return Lesson(
        logits.detach(),
        gather_channels(features, channels).detach(),
        channels,
        count,
        soft_weights(focal, saliency.gather(1, channels[:, :count]), saliency.mean(dim=1)),
    )


def soft_weights(focal: FocalSettings, chosen: Tensor, mean: Tensor) -> Tensor | None:
    """Return `emphasis` of the chosen channels' saliency (N, K), or None if selection is hard."""
    if focal.selection == "hard":
        return None
    return emphasis(chosen.to(torch.float32), mean, focal.temperature)
