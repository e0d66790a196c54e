"""A user's own recordings: a table says what they are and where (docs/your_own_data.md)."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from fckd.config.networks import Modality
from fckd.data.forms import Array
from fckd.data.sources.base import Recording
from fckd.data.sources.listing import LISTED_AT_MOST, states
from fckd.data.sources.table_files import read_table_file
from fckd.data.sources.table_rows import Row, is_number, read_rows
from fckd.errors import UserError
from fckd.files import sha256_of_file

NAME = "table"
PROTOCOL = "own"


class Table:
    """The samples of a table.

    Args:
        path: A CSV file, or Parquet with the suffix `.parquet`.
        image_side: Shorter side of images as they are stored, pixels.

    Attributes:
        modalities: Those that some sample has a file of.

    Raises:
        UserError: There is no table, or it does not hold together; names the row.
    """

    name = NAME

    def __init__(self, path: Path, image_side: int) -> None:
        self.path = path
        self.image_side = image_side
        # the rows are read again when they are wanted: every chunk of work sends this object
        rows = _used_rows(path)
        self.classes = _classes(path, {row.label for row in rows})
        self.modalities = frozenset(modality for row in rows for modality in row.files)

    def identity(self, modalities: Iterable[Modality]) -> dict[str, Any]:
        """Return the size of images, the content of the table, and the state of every file."""
        named = {path for each in self.recordings(modalities) for path in each.files.values()}
        return {
            "image_side": self.image_side,
            "table": sha256_of_file(self.path),
            "files": states(self.path.parent, named),
        }

    def recordings(self, modalities: Iterable[Modality]) -> list[Recording]:
        """Return every recording that is not unused (see `Source.recordings`)."""
        wanted = sorted(modalities)
        rows = _used_rows(self.path)
        _check_files(rows, wanted)
        labels = {name: label for label, name in enumerate(self.classes)}
        recordings = [
            Recording(
                sample_id=row.sample_id,
                label=labels[row.label],
                subject=row.subject,
                camera=row.camera,
                group=row.group,
                splits={PROTOCOL: row.split},
                files={modality: row.files[modality] for modality in wanted},
            )
            for row in rows
        ]
        return sorted(recordings, key=lambda recording: recording.sample_id)

    def read(self, recording: Recording, modality: Modality) -> Array:
        """Return one modality in its stored form (see `Source.read`)."""
        return read_table_file(modality, recording.files[modality], self.image_side)


def _used_rows(path: Path) -> list[Row]:
    rows = [row for row in read_rows(path) if row.split != "unused"]
    if not rows:
        raise UserError(
            f"{path}: every row is unused", "rows of train and test", "correct the column split"
        )
    return rows


def _classes(path: Path, labels: set[str]) -> tuple[str, ...]:
    """Return the labels in the order of the alphabet, or of their numbers."""
    numbers = {label for label in labels if is_number(label)}
    if numbers and numbers != labels:
        raise UserError(
            f"{path}: labels are numbers ({min(numbers)}) and names ({min(labels - numbers)})",
            "all of one kind",
            "correct the column label",
        )
    return tuple(sorted(labels, key=int if numbers else None))


def _check_files(rows: Sequence[Row], wanted: Sequence[Modality]) -> None:
    absent = [
        f"{row.place}: {row.files.get(modality) or f'no {modality}'}"
        for row in rows
        for modality in wanted
        if modality not in row.files or not row.files[modality].exists()
    ]
    if absent:
        more = len(absent) - LISTED_AT_MOST
        raise UserError(
            f"{len(absent)} recordings are absent\n    "
            + "\n    ".join(absent[:LISTED_AT_MOST])
            + (f"\n    and {more} more" if more > 0 else ""),
            f"{', '.join(wanted)} of every sample that is not unused",
            "correct the paths (they begin at the table's folder), or call the rows unused",
        )
