"""The rows of a user's own table, CSV or Parquet: checked cell by cell, whatever they say."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from fckd.config.networks import Modality
from fckd.data.sources.base import Split
from fckd.errors import UserError

NEEDED = ("sample_id", "label", "subject", "split")
POSSIBLE = (*NEEDED, "camera", "group", *Modality)
SPLITS: dict[str, Split] = {"train": "train", "test": "test", "unused": "unused"}
MOST_DIGITS = 9

Cells = Mapping[str, str]


@dataclass(frozen=True)
class Row:
    """A sample as the table has it; a cell that is empty or absent is ''.

    Attributes:
        place: Table and row, for the message of an error.
        sample_id: Unique in the table.
        label: Name of the class; a number without leading zeros.
        subject: Number of the person; 0 if unknown, so is `camera`.
        camera: Number of the camera.
        group: What is held out together: by default all that a subject does.
        split: The part that the table puts it into.
        files: Modality -> path below the table's folder, where the cell is not empty.
    """

    place: str
    sample_id: str
    label: str
    subject: int
    camera: int
    group: str
    split: Split
    files: Mapping[Modality, Path]


def read_rows(path: Path) -> list[Row]:
    """Return the rows of a table, in its order.

    Raises:
        UserError: No table, a column that is unknown, absent or there twice, or a cell that
            cannot mean anything; names the row (the header is row 1).
    """
    header, lines = _read_parquet(path) if path.suffix.lower() == ".parquet" else _read_csv(path)
    _check_header(path, header)
    rows = [
        _row(f"{path}, row {number}", path.parent, dict(zip(header, cells, strict=True)))
        for number, cells in lines
    ]
    places: dict[str, str] = {}
    for row in rows:
        first = places.setdefault(row.sample_id, row.place)
        if first != row.place:
            raise _wrong(row.place, f"{first} has the same sample_id {row.sample_id!r}")
    if not rows:
        raise _wrong(str(path), "no row below the header")
    return rows


Numbered = list[tuple[int, list[str]]]


def _read_csv(path: Path) -> tuple[list[str], Numbered]:
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            filled = [cells for cells in csv.reader(stream, strict=True) if cells]
    except (OSError, UnicodeDecodeError, csv.Error) as refusal:
        raise _wrong(str(path), f"it cannot be read as CSV: {refusal}") from refusal
    header, *lines = [[cell.strip() for cell in cells] for cells in filled] or [[]]
    for number, cells in enumerate(lines, start=2):
        if len(cells) != len(header):
            raise _wrong(f"{path}, row {number}", f"{len(cells)} cells below {len(header)} columns")
    return header, list(enumerate(lines, start=2))


def _read_parquet(path: Path) -> tuple[list[str], Numbered]:
    try:
        with path.open("rb") as stream:
            table = parquet.read_table(stream)
            columns = [column.to_pylist() for column in table.columns]
    except (pa.ArrowException, OSError, ValueError, OverflowError) as refusal:
        raise _wrong(str(path), f"it cannot be read as Parquet: {refusal}") from refusal
    lines = [[_text(value) for value in values] for values in zip(*columns, strict=True)]
    return list(table.column_names), list(enumerate(lines, start=2))


def _text(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():  # whole numbers in a column with gaps
        return str(int(value))
    return str(value).strip()


def _check_header(path: Path, header: Sequence[str]) -> None:
    unknown = [name for name in header if name not in POSSIBLE]
    missing = [name for name in NEEDED if name not in header]
    twice = sorted({name for name in header if header.count(name) > 1})
    for names, fault in ((unknown, "unknown"), (missing, "missing"), (twice, "repeated")):
        if names:
            raise UserError(
                f"{path}: {fault} columns {', '.join(map(repr, names[:10]))}",
                f"{', '.join(NEEDED)}; if wanted camera and group; and of "
                f"{', '.join(Modality)} those that there are",
                "rename, add or remove columns (the first row of a CSV file names them)",
            )
    if not set(header) & set(Modality):
        raise UserError(
            f"{path}: no column of files",
            f"at least one of {', '.join(Modality)}",
            "add a column with the path of each sample's recording",
        )


def _row(place: str, folder: Path, cells: Cells) -> Row:
    for name in ("sample_id", "label"):
        if not cells[name].isprintable() or not cells[name]:
            raise _wrong(place, f"{name} is {cells[name]!r}")
    if cells["split"] not in SPLITS:
        raise UserError(
            f"{place}: split is {cells['split']!r}",
            f"one of {', '.join(SPLITS)}",
            "correct it; who validates is held out of train by corpus.validation_…",
        )
    subject = _number(place, "subject", cells)
    return Row(
        place=place,
        sample_id=cells["sample_id"],
        label=_without_leading_zeros(cells["label"]),
        subject=subject,
        camera=_number(place, "camera", cells),
        group=cells.get("group") or f"subject {subject}",
        split=SPLITS[cells["split"]],
        files={
            modality: folder / _inside(place, cells[modality])
            for modality in Modality
            if cells.get(modality)
        },
    )


def is_number(text: str) -> bool:
    """Whether `text` is a whole number of at most nine digits, not less than 0."""
    return text.isascii() and text.isdecimal() and len(text) <= MOST_DIGITS


def _without_leading_zeros(label: str) -> str:
    return str(int(label)) if is_number(label) else label


def _number(place: str, name: str, cells: Cells) -> int:
    cell = cells.get(name) or "0"
    if not is_number(cell):
        raise _wrong(place, f"{name} is {cell!r}, no whole number from 0 (unknown)")
    return int(cell)


def _inside(place: str, cell: str) -> PurePath:
    """Return a path that cannot lead out of the table's folder."""
    path = PurePath(cell)
    if path.is_absolute() or ".." in path.parts or not cell.isprintable():
        raise UserError(
            f"{place}: the path {cell!r}",
            "a path below the table's folder, such as clips/first.mp4",
            "put the table above the files, or link their folder beside it",
        )
    return path


def _wrong(place: str, what: str) -> UserError:
    return UserError(
        f"{place}: {what}",
        "one row for each sample, as docs/your_own_data.md shows",
        "correct the table",
    )
