"""What a network reads: samples under views, each made once and then copied from memory."""

import threading
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from fckd.config.experiment import ViewSettings
from fckd.config.networks import IMAGES, Modality, NetworkSettings
from fckd.data.corpus import Corpus
from fckd.data.forms import FASTEST_FLOW, FORMS, Array, in_stored_form
from fckd.data.frames import Frames, whole
from fckd.data.views import (
    EVALUATION,
    Reading,
    View,
    read_flow,
    read_images,
    read_inertial,
    read_skeleton,
    view_of,
)

MEMORY_LIMIT = 2 * 1024**3
"""Bytes of readings that one `Readings` keeps; what is beyond is made again each time."""

UNMADE = -1
BRIGHTEST = 255


class Readings:
    """The corpus as one network sees it; several threads may read at once.

    Args:
        corpus: Holds the network's modality.
        network: What is read: modality, frames, size.
        views: The finite set of views; numbers 0 to `views.count` may be asked for.

    Attributes:
        shape: Of one reading: (6, frames) inertial, (3, frames, joints) skeleton,
            (1, frames, size, size) depth and infrared, (3, …) rgb, (2, …) flow.
        bytes_each: That one reading takes in memory.
        scale: Of what is kept, to what a network wants.

    Raises:
        UserError: The corpus does not hold the modality.
    """

    def __init__(self, corpus: Corpus, network: NetworkSettings, views: ViewSettings) -> None:
        corpus.require(network.modality)
        self.shape = reading_shape(network, corpus.joints)
        self._corpus, self._network, self._views = corpus, network, views
        wanted = (len(corpus), views.count + 1)
        kept_as = FORMS[network.modality].dtype
        self.scale = scale_of(network.modality)
        self.bytes_each = int(np.prod(self.shape)) * kept_as.itemsize
        room = min(wanted[0] * wanted[1], MEMORY_LIMIT // self.bytes_each)
        # the system hands out these pages only when a reading is written to them
        self._kept = np.empty((room, *self.shape), kept_as)
        self._slots = np.full(wanted, UNMADE, dtype=np.int64)
        self._used = 0
        self._lock = threading.Lock()

    @property
    def bytes_used(self) -> int:
        """That the readings which were kept so far take in memory."""
        return self._used * self.bytes_each

    def batch(self, samples: NDArray[np.int64], views: NDArray[np.int64]) -> Reading:
        """Return readings as float32, one for each pair of sample index and view number.

        Args:
            samples: (N,) sample indices.
            views: (N,) view numbers; 0 is the evaluation view.

        Returns:
            (N, *shape); images are scaled to 0..1, flow to -1..1 with 0 for no motion.
        """
        return scaled(self.kept(samples, views), self._network.modality)

    def kept(self, samples: NDArray[np.int64], views: NDArray[np.int64]) -> Array:
        """Return the same unscaled, (N, *shape): uint8 images, int8 flow, float32 series."""
        slots = self._slots[samples, views]
        if (slots == UNMADE).any():
            for sample, view in zip(samples[slots == UNMADE], views[slots == UNMADE], strict=True):
                self._keep(int(sample), int(view))
            slots = self._slots[samples, views]
        batch = self._kept[np.maximum(slots, 0)] if len(self._kept) else self._empty(len(slots))
        for place in np.flatnonzero(slots == UNMADE):
            batch[place] = self._make(int(samples[place]), int(views[place]))
        return batch

    def _keep(self, sample: int, view: int) -> None:
        if self._slots[sample, view] != UNMADE or self._used == len(self._kept):
            return
        made = self._make(sample, view)
        with self._lock:
            if self._slots[sample, view] == UNMADE and self._used < len(self._kept):
                self._kept[self._used] = made
                self._slots[sample, view] = self._used
                self._used += 1

    def _make(self, sample: int, number: int) -> Array:
        view = view_of(self._views, self._corpus.sample_ids[sample], number)
        return read(self._corpus.frames(sample, self._network.modality), self._network, view)

    def _empty(self, length: int) -> Array:
        return np.empty((length, *self.shape), self._kept.dtype)


def evaluation_reading(array: Array, network: NetworkSettings) -> Reading:
    """Return one recording as the network reads it for evaluation, (*shape) float32.

    Raises:
        UserError: `array` is not in the stored form of the network's modality.
    """
    stored = in_stored_form(array, network.modality, "the recording")
    return scaled(read(stored, network, EVALUATION), network.modality)


def reading_shape(network: NetworkSettings, joints: int) -> tuple[int, ...]:
    """Return the shape of one reading; `joints` counts those of all bodies."""
    if network.modality is Modality.INERTIAL:
        return 6, network.frames
    if network.modality is Modality.SKELETON:
        return 3, network.frames, joints
    return CHANNELS[network.modality], network.frames, network.size, network.size


CHANNELS = {Modality.DEPTH: 1, Modality.RGB: 3, Modality.INFRARED: 1, Modality.FLOW: 2}

SERIES_READERS: dict[Modality, Callable[[Array, View, int], Reading]] = {
    Modality.SKELETON: read_skeleton,
    Modality.INERTIAL: read_inertial,
}


def read(recorded: Frames, network: NetworkSettings, view: View) -> Array:
    """Return a recording under one view as it is kept: float32 series, uint8 images, int8 flow."""
    if network.modality is Modality.FLOW:
        return read_flow(recorded, view, network.frames, network.size)
    if network.modality in IMAGES:
        return read_images(recorded, view, network.frames, network.size)
    return SERIES_READERS[network.modality](whole(recorded), view, network.frames)


def scaled(readings: Array, modality: Modality) -> Reading:
    """Return kept readings as a network wants them: float32, images in 0..1, flow in -1..1."""
    scale = scale_of(modality)
    return readings if scale == 1 else readings * np.float32(scale)


def scale_of(modality: Modality) -> float:
    """Return what kept readings are multiplied by."""
    if modality is Modality.FLOW:
        return 1 / FASTEST_FLOW
    return 1 / BRIGHTEST if modality in IMAGES else 1.0
