"""Optical flow for a source that has none: computed from its images when it is read."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from fckd.config.networks import Modality
from fckd.data.flow import optical_flow
from fckd.data.forms import Array, in_stored_form
from fckd.data.sources.base import Recording, Source


class WithFlow:
    """A source, and the optical flow of its images beside.

    Args:
        source: Any source.
        images: What flow is computed of: rgb, depth or infrared.
    """

    def __init__(self, source: Source, images: Modality) -> None:
        self._source = source
        self._images = images
        self._last: tuple[str, Array] | None = None
        self.name = source.name
        self.classes = source.classes

    def identity(self, modalities: Iterable[Modality]) -> dict[str, Any]:
        """Return the identity of what is read, and what flow is computed of."""
        wanted = set(modalities)
        if Modality.FLOW not in wanted:
            return self._source.identity(wanted)
        return {"flow_of": self._images, **self._source.identity(self._raw(wanted))}

    def recordings(self, modalities: Iterable[Modality]) -> list[Recording]:
        """Return every recording (see `Source.recordings`); that of flow is its images."""
        wanted = set(modalities)
        if Modality.FLOW not in wanted:
            return self._source.recordings(wanted)
        return [
            replace(each, files={**each.files, Modality.FLOW: each.files[self._images]})
            if self._images in each.files
            else each
            for each in self._source.recordings(self._raw(wanted))
        ]

    def read(self, recording: Recording, modality: Modality) -> Array:
        """Return one modality in its stored form (see `Source.read`)."""
        if modality is Modality.FLOW:
            place = str(recording.files.get(self._images, recording.sample_id))
            return in_stored_form(optical_flow(self._frames(recording), place), modality, place)
        if modality is self._images:
            return self._frames(recording)
        return self._source.read(recording, modality)

    def _raw(self, modalities: set[Modality]) -> set[Modality]:
        return modalities - {Modality.FLOW} | {self._images}

    def _frames(self, recording: Recording) -> Array:
        """Return the images; they are kept, for whoever wants flow often wants them next."""
        if self._last is None or self._last[0] != recording.sample_id:
            self._last = recording.sample_id, self._source.read(recording, self._images)
        return self._last[1]
