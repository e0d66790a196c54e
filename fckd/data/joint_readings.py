"""What a network reads of several modalities: each sample through one and the same view."""

from typing import Self

import numpy as np
from numpy.typing import NDArray

from fckd.config.experiment import ViewSettings
from fckd.config.fusion import AnyNetwork
from fckd.data.corpus import Corpus
from fckd.data.forms import Array
from fckd.data.readings import Readings
from fckd.data.views import Reading


class JointReadings:
    """The corpus as a network sees it that reads one modality, or several together.

    Args:
        parts: Of each modality, in the order of the network's `inputs`.

    Attributes:
        shapes: Of one reading of each modality.
        bytes_each: That the readings of one sample under one view take in memory.
    """

    def __init__(self, *parts: Readings) -> None:
        self.shapes = tuple(part.shape for part in parts)
        self.bytes_each = sum(part.bytes_each for part in parts)
        self._parts = parts

    @classmethod
    def of(cls, corpus: Corpus, network: AnyNetwork, views: ViewSettings) -> Self:
        """Return what `network` reads of `corpus`.

        Raises:
            UserError: The corpus does not hold a modality.
        """
        return cls(*(Readings(corpus, part, views) for part in network.inputs))

    def kept(
        self, samples: NDArray[np.int64], views: NDArray[np.int64]
    ) -> list[tuple[Array, float]]:
        """Return readings of each modality as they are kept, and what they are scaled by."""
        return [(part.kept(samples, views), part.scale) for part in self._parts]

    def batch(self, samples: NDArray[np.int64], views: NDArray[np.int64]) -> tuple[Reading, ...]:
        """Return readings of each modality, (N, *shape) float32: see `Readings.batch`."""
        return tuple(part.batch(samples, views) for part in self._parts)
