"""The files that a user's own table names, each in the stored form of its modality.

| file | modality | what it holds |
|---|---|---|
| .npy, .mat | every | the stored form (`fckd.data.forms`); in .mat the only array of the file |
| .csv | skeleton, inertial | a row for each time step, x y z of every joint or the six readings |
| folder of pictures | rgb, infrared | PNG or JPEG of 8 bits, one a frame, numbered |
| folder of pictures | depth | 16-bit PNG in millimetres, one a frame, numbered |
| anything else | rgb, infrared | a video |
"""

import csv
import re
from pathlib import Path

import numpy as np

from fckd.config.networks import SERIES, Modality
from fckd.data.forms import Array, in_stored_form
from fckd.data.sources.matlab import read_only_array
from fckd.data.sources.numpy_file import read_npy
from fckd.data.sources.pictures import numbered, read_colours, read_depths
from fckd.data.sources.scene_depth import shrink_scene
from fckd.data.video import read_video
from fckd.errors import UserError

FRAME = re.compile(r".*?(\d+)\.(?:png|jpe?g)", re.IGNORECASE)
"""A picture of a clip: the number before the suffix is its place in time."""
FILMED = (Modality.RGB, Modality.INFRARED)


def read_table_file(modality: Modality, path: Path, image_side: int) -> Array:
    """Return one file or folder in the stored form of `modality`.

    Args:
        modality: What it should be.
        path: See above.
        image_side: Shorter side of images as they are stored, pixels; arrays stay as they are.

    Raises:
        UserError: Absent, damaged, or nothing that this modality is read from; names the file.
    """
    return in_stored_form(_read(modality, path, image_side), modality, str(path))


def _read(modality: Modality, path: Path, image_side: int) -> Array:
    suffix = path.suffix.lower()
    if path.is_dir():
        return _pictures(modality, path, image_side)
    if suffix == ".npy":
        return read_npy(path)
    if suffix == ".mat":
        return read_only_array(path)
    if suffix == ".csv" and modality in SERIES:
        return _series(modality, path)
    if modality in FILMED:
        return read_video(path, image_side, colour=modality is Modality.RGB)
    raise _no_reader(modality, path)


def _pictures(modality: Modality, folder: Path, image_side: int) -> Array:
    if modality is Modality.DEPTH:
        return shrink_scene(read_depths(numbered(folder, FRAME)), image_side)
    if modality not in FILMED:
        raise _no_reader(modality, folder)
    colours = read_colours(numbered(folder, FRAME), image_side)
    if modality is Modality.RGB:
        return colours
    return np.asarray(np.rint(colours.mean(axis=-1)), np.uint8)


def _series(modality: Modality, path: Path) -> Array:
    """Return (T, 6) inertial or (T, J, 3) skeleton; a first row without a number is a heading."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = [row for row in csv.reader(stream, strict=True) if row]
        series = np.array([[float(cell) for cell in row] for row in rows[_is_heading(rows) :]])
    except (OSError, ValueError, csv.Error) as refusal:
        raise UserError(
            f"cannot read {path}: {refusal}",
            "a row of numbers between commas for each time step, below at most one heading",
            "export it again",
        ) from refusal
    if modality is Modality.SKELETON and series.ndim == 2 and series.shape[1] % 3 == 0:
        return series.reshape(len(series), -1, 3)
    return series


def _is_heading(rows: list[list[str]]) -> bool:
    return bool(rows) and not any(_is_number(cell) for cell in rows[0])


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _no_reader(modality: Modality, path: Path) -> UserError:
    if not path.exists():
        return UserError(f"no file {path}", f"the {modality} of a sample", "correct the table")
    return UserError(
        f"{path} is no file that {modality} is read from",
        "one of those that docs/your_own_data.md lists",
        f"save the array in the stored form of {modality} with numpy.save",
    )
