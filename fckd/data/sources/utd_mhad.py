"""UTD-MHAD (Chen, Jafari and Kehtarnavaz, ICIP 2015) in its official folders of files."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from fckd.config.networks import Modality
from fckd.data.forms import Array, in_stored_form
from fckd.data.sources import person_crop
from fckd.data.sources.base import Recording
from fckd.data.sources.listing import states
from fckd.data.sources.matlab import read_matlab
from fckd.data.video import read_video
from fckd.errors import UserError

NAME = "utd-mhad"

CLASSES = (
    "swipe left",
    "swipe right",
    "wave",
    "clap",
    "throw",
    "arm cross",
    "basketball shoot",
    "draw x",
    "draw circle clockwise",
    "draw circle counter-clockwise",
    "draw triangle",
    "bowling",
    "boxing",
    "baseball swing",
    "tennis swing",
    "arm curl",
    "tennis serve",
    "push",
    "knock",
    "catch",
    "pick up and throw",
    "jog",
    "walk",
    "sit to stand",
    "stand to sit",
    "lunge",
    "squat",
)

Performance = tuple[int, int, int]
"""Action, subject and trial, each counted from 1."""

NEVER_PUBLISHED: frozenset[Performance] = frozenset({(8, 1, 4), (23, 6, 4), (27, 8, 4)})
PERFORMANCES: tuple[Performance, ...] = tuple(
    performance
    for action in range(1, 28)
    for subject in range(1, 9)
    for trial in range(1, 5)
    if (performance := (action, subject, trial)) not in NEVER_PUBLISHED
)

FOLDERS = {
    Modality.SKELETON: "Skeleton",
    Modality.INERTIAL: "Inertial",
    Modality.DEPTH: "Depth",
    Modality.RGB: "RGB",
}
ENDINGS = {
    Modality.SKELETON: "skeleton.mat",
    Modality.INERTIAL: "inertial.mat",
    Modality.DEPTH: "depth.mat",
    Modality.RGB: "color.avi",
}
KEYS = {Modality.SKELETON: "d_skel", Modality.INERTIAL: "d_iner", Modality.DEPTH: "d_depth"}
LISTED_AT_MOST = 10


class UtdMhad:
    """27 actions by 8 subjects, 4 times each; tested on the subjects with even numbers.

    Args:
        folder: Holds `Skeleton`, `Inertial`, `Depth` and `RGB`; only those that are read need be
            there.
        image_side: Shorter side of colour images as they are stored, pixels.
    """

    name = NAME
    classes: tuple[str, ...] = CLASSES

    def __init__(self, folder: Path, image_side: int) -> None:
        self.folder = folder
        self.image_side = image_side

    def identity(self, modalities: Iterable[Modality]) -> dict[str, Any]:
        """Return the options of the reader, and the state of every raw file."""
        modalities = set(modalities)
        files = [path for modality in modalities for path in self._complete(modality).values()]
        return {
            "crop": person_crop.OPTIONS if Modality.DEPTH in modalities else None,
            "side": self.image_side if Modality.RGB in modalities else None,
            "files": states(self.folder, files),
        }

    def recordings(self, modalities: Iterable[Modality]) -> list[Recording]:
        """Return all 861 recordings (see `Source.recordings`)."""
        files = {modality: self._complete(modality) for modality in modalities}
        return [
            _recording(
                performance, {modality: found[performance] for modality, found in files.items()}
            )
            for performance in PERFORMANCES
        ]

    def read(self, recording: Recording, modality: Modality) -> Array:
        """Return one modality in its stored form (see `Source.read`)."""
        return read_file(modality, recording.files[modality], self.image_side)

    def _complete(self, modality: Modality) -> dict[Performance, Path]:
        if modality not in FOLDERS:
            raise UserError(
                f"{NAME} is not read as {modality}",
                f"one of {', '.join(FOLDERS)}",
                "choose another modality for the student or teacher",
            )
        found = self._files(modality)
        missing = [raw_name(each, modality) for each in PERFORMANCES if each not in found]
        if missing:
            shown = ", ".join(missing[:LISTED_AT_MOST])
            more = len(missing) - LISTED_AT_MOST
            raise UserError(
                f"{self.folder / FOLDERS[modality]} lacks {len(missing)} of "
                f"{len(PERFORMANCES)} files: {shown}" + (f" and {more} more" if more > 0 else ""),
                "every file of the benchmark but the three that were never published",
                "fetch the missing files; FCKD_DATA or --data names the folder above utd-mhad",
            )
        return found

    def _files(self, modality: Modality) -> dict[Performance, Path]:
        """Return the file of every performance; files of other names are none of our business."""
        folder = self.folder / FOLDERS[modality]
        ending = re.escape(ENDINGS[modality])
        pattern = re.compile(rf"a(\d+)_s(\d+)_t(\d+)_{ending}", re.IGNORECASE)
        found: dict[Performance, Path] = {}
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            match = pattern.fullmatch(path.name)
            if match is None:
                continue
            action, subject, trial = (int(number) for number in match.groups())
            if (action, subject, trial) in found:
                first = found[action, subject, trial].name
                raise UserError(
                    f"{folder}: {first} and {path.name} name the same sample",
                    "one file for each action, subject and trial",
                    "remove one of the two",
                )
            found[action, subject, trial] = path
        return found


def _recording(performance: Performance, files: Mapping[Modality, Path]) -> Recording:
    action, subject, trial = performance
    sample_id = f"a{action:02d}_s{subject:02d}_t{trial}"
    return Recording(
        sample_id,
        label=action - 1,
        subject=subject,
        camera=1,
        group=sample_id,
        splits={"cross-subject": "train" if subject % 2 else "test"},
        files=files,
    )


def raw_name(performance: Performance, modality: Modality) -> str:
    """Return the official file name of a performance."""
    action, subject, trial = performance
    return f"a{action}_s{subject}_t{trial}_{ENDINGS[modality]}"


def read_file(modality: Modality, path: Path, image_side: int) -> Array:
    """Return one raw file in the stored form of `modality`.

    Raises:
        UserError: Damaged, wrong array, wrong shape, not finite; names the file.
    """
    if modality not in FOLDERS:
        raise UserError(
            f"{path}: {NAME} is not read as {modality}",
            f"one of {', '.join(FOLDERS)}",
            "choose another modality",
        )
    if modality is Modality.RGB:
        return in_stored_form(read_video(path, image_side), modality, str(path))
    raw = read_matlab(path, KEYS[modality])
    if modality is Modality.INERTIAL:
        return in_stored_form(raw, modality, str(path))
    if raw.ndim != 3:
        raise UserError(
            f"{path}: {KEYS[modality]} has the shape {raw.shape}",
            "three axes, the last one time",
            "fetch this file of the benchmark again",
        )
    in_time = np.moveaxis(raw, -1, 0)
    if modality is Modality.SKELETON:
        return in_stored_form(in_time, modality, str(path))
    return in_stored_form(_person(in_time, path), modality, str(path))


def _person(depth: Array, path: Path) -> Array:
    if depth.dtype != np.uint16 or not depth.any():
        raise UserError(
            f"{path}: d_depth is {depth.dtype}" + ("" if depth.any() else " and 0 everywhere"),
            "uint16 millimetres with a person in them",
            "fetch this file of the benchmark again",
        )
    return person_crop.crop_person(depth)
