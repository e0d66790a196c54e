"""What a network reads of a batch, as tensors where it runs."""

import numpy as np
import torch
from torch import Tensor

from fckd.data.joint_readings import JointReadings


def inputs(
    readings: JointReadings, samples: np.ndarray, views: np.ndarray, device: torch.device
) -> tuple[Tensor, ...]:
    """Return a tensor (N, *shape) float32 for each modality that is read.

    Args:
        readings: The corpus as a network sees it.
        samples: (N,) int64 sample indices.
        views: (N,) int64 view numbers.
        device: Where the network runs.
    """
    return tuple(torch.from_numpy(read).to(device) for read in readings.batch(samples, views))
