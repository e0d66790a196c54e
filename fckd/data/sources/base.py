"""What every source of recordings offers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from fckd.config.networks import Modality
from fckd.data.forms import Array


@dataclass(frozen=True)
class Recording:
    """One performance of an action: who did what, and the raw files (none if it is made)."""

    sample_id: str
    label: int
    subject: int
    camera: int
    files: Mapping[Modality, Path] = field(default_factory=dict)


class Source(Protocol):
    """A benchmark on disk, or a generator of one. Must be picklable: worker processes read it."""

    name: str
    classes: tuple[str, ...]
    test_subjects: frozenset[int]

    def identity(self) -> dict[str, Any]:
        """Return JSON values that name what would be read: options, and every raw file's state."""

    def recordings(self, modalities: Iterable[Modality]) -> list[Recording]:
        """Return every recording, sorted by sample id, with its files of `modalities`.

        Raises:
            UserError: A modality or a file is missing, or two files name the same sample.
        """

    def read(self, recording: Recording, modality: Modality) -> Array:
        """Return one modality in its stored form (`fckd.data.forms`).

        Raises:
            UserError: The raw file is damaged; names the file.
        """
