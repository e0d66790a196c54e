"""Pixels on the scale that published weights were trained on."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class PixelStatistics:
    """Mean and standard deviation of red, green and blue over a data set, of pixels in 0..1."""

    mean: tuple[float, float, float]
    deviation: tuple[float, float, float]


KINETICS = PixelStatistics((0.43216, 0.394666, 0.37645), (0.22803, 0.22145, 0.216989))
IMAGENET = PixelStatistics((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))

COLOURS = 3


def standardized(x: torch.Tensor, statistics: PixelStatistics) -> torch.Tensor:
    """Return (N, C, T, H, W) float with the mean subtracted, divided by the deviation.

    Images that are no colours (depth, flow) are standardised by the colours' average. Nothing is
    kept as a buffer: the names of the weights remain those of the published files.
    """
    return (x - _of_channels(statistics.mean, x)) / _of_channels(statistics.deviation, x)


def _of_channels(values: tuple[float, float, float], x: torch.Tensor) -> torch.Tensor:
    # Filled where they are: a step that is captured for a GPU must not bring numbers from outside.
    if x.shape[1] != COLOURS:
        return x.new_full((), sum(values) / COLOURS)
    return torch.stack([x.new_full((1, 1, 1), value) for value in values])
