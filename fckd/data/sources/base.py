"""What every source of recordings offers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Protocol

from fckd.config.networks import Modality
from fckd.data.forms import Array

Split = Literal["train", "test", "unused"]
"""Where a benchmark's protocol puts a recording."""


@dataclass(frozen=True)
class Recording:
    """One performance of an action: who did what before which camera.

    Attributes:
        sample_id: Unique in its source.
        label: Index into the source's classes.
        subject: Number of the person, counted from 1; 0 if unknown, so is `camera`.
        group: What belongs together and is held out together: clips of one film, or one
            performance before several cameras.
        splits: Protocol -> part, for every protocol of the source, in its order.
        files: The raw file or folder of each modality; none if the recording is made.
    """

    sample_id: str
    label: int
    subject: int
    camera: int
    group: str
    splits: Mapping[str, Split]
    files: Mapping[Modality, Path] = field(default_factory=dict)


class NobodySeenError(Exception):
    """A recording that is whole but shows nobody: it is left out of the corpus, not refused."""


class Source(Protocol):
    """A benchmark on disk, or a generator of one. Must be picklable: worker processes read it."""

    name: str
    classes: tuple[str, ...]

    def identity(self, modalities: Iterable[Modality]) -> dict[str, Any]:
        """Return JSON values that name what would be read: options, and the raw files' state."""

    def recordings(self, modalities: Iterable[Modality]) -> list[Recording]:
        """Return every recording, sorted by sample id, with its files of `modalities`.

        Raises:
            UserError: A modality or a file is missing, or two files name the same sample.
        """

    def read(self, recording: Recording, modality: Modality) -> Array:
        """Return one modality in its stored form (`fckd.data.forms`).

        Raises:
            UserError: The raw file is damaged; names the file.
            NobodySeenError: The file is whole, but the tracker found no one in it.
        """
