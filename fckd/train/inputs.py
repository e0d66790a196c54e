"""What a network reads of a batch, as tensors where it runs."""

import numpy as np
import torch
from torch import Tensor

from fckd.data.joint_readings import JointReadings
from fckd.train.placing import placed


def inputs(
    readings: JointReadings, samples: np.ndarray, views: np.ndarray, device: torch.device
) -> tuple[Tensor, ...]:
    """Return a tensor (N, *shape) float32 for each modality that is read.

    Images travel as bytes, a quarter of what a network reads, and are scaled where it runs.

    Args:
        readings: The corpus as a network sees it.
        samples: (N,) int64 sample indices.
        views: (N,) int64 view numbers.
        device: Where the network runs.
    """
    return tuple(
        _scaled(placed(kept, device), scale) for kept, scale in readings.kept(samples, views)
    )


def _scaled(kept: Tensor, scale: float) -> Tensor:
    return kept if scale == 1 else kept.float().mul_(scale)
