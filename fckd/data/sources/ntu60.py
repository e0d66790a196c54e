"""NTU RGB+D 60 (Shahroudy et al., CVPR 2016) as its archives unpack, at any depth of folders.

`<id>.skeleton`, `<id>_rgb.avi`, `<id>_ir.avi`, and a folder `<id>` of `MDepth-*.png` (the person
alone) or `Depth-*.png` (the whole scene); an id is `SsssCcccPpppRrrrAaaa`: setup, camera, person,
repetition and action.
"""

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from fckd.config.networks import Modality
from fckd.data.forms import Array, in_stored_form
from fckd.data.sources.base import Recording
from fckd.data.sources.listing import LEFT_OUT, Found, complete, left_out, note, states, walk
from fckd.data.sources.ntu60_skeleton import read_skeleton_text
from fckd.data.sources.person_crop import crop_person
from fckd.data.sources.pictures import numbered, read_depths
from fckd.data.sources.scene_depth import shrink_scene
from fckd.data.video import read_video
from fckd.errors import UserError

NAME = "ntu60"

CLASSES = (
    *("drink water", "eat meal", "brush teeth", "brush hair", "drop", "pick up", "throw"),
    *("sit down", "stand up", "clap", "read", "write", "tear up paper", "put on jacket"),
    *("take off jacket", "put on a shoe", "take off a shoe", "put on glasses"),
    *("take off glasses", "put on a hat", "take off a hat", "cheer up", "wave hand"),
    *("kick something", "reach into pocket", "hop", "jump up", "phone call", "play with phone"),
    *("type on a keyboard", "point to something", "take a selfie", "check time", "rub two hands"),
    *("nod", "shake head", "wipe face", "salute", "put palms together", "cross hands in front"),
    *("sneeze or cough", "stagger", "fall down", "headache", "chest pain", "back pain"),
    *("neck pain", "nausea", "fan self", "punch or slap", "kick someone", "push someone"),
    *("pat someone on the back", "point at someone", "hug", "give object", "touch pocket"),
    *("shake hands", "walk towards each other", "walk apart"),
)

TRAINING_SUBJECTS = frozenset(
    {1, 2, 4, 5, 8, 9, 13, 14, 15, 16, 17, 18, 19, 25, 27, 28, 31, 34, 35, 38}
)
TRAINING_CAMERAS = frozenset({2, 3})

CLIP = re.compile(r"S(\d{3})C(\d{3})P(\d{3})R(\d{3})A(\d{3})", re.IGNORECASE)
ENDINGS = {
    Modality.SKELETON: re.compile(r"\.skeleton", re.IGNORECASE),
    Modality.RGB: re.compile(r"_rgb\.(avi|mp4)", re.IGNORECASE),
    Modality.INFRARED: re.compile(r"_ir\.(avi|mp4)", re.IGNORECASE),
}
PERSON = re.compile(r"MDepth-(\d+)\.png", re.IGNORECASE)
SCENE = re.compile(r"Depth-(\d+)\.png", re.IGNORECASE)
BAD_SAMPLES = "NTU_RGBD_samples_with_missing_skeletons.txt"
"""The authors' own list; where it lies in the folder, what it names is left out."""


class Ntu60:
    """60 actions by 40 subjects before three cameras, in 17 setups.

    Args:
        folder: Holds the unpacked archives; only what is read need be there.
        image_side: Shorter side of images as they are stored, pixels.
    """

    name = NAME
    classes: tuple[str, ...] = CLASSES

    def __init__(self, folder: Path, image_side: int) -> None:
        self.folder = folder
        self.image_side = image_side

    def identity(self, modalities: Iterable[Modality]) -> dict[str, Any]:
        """Return the options of the reader, and the state of every file and folder."""
        clips = self._files(modalities).values()
        paths = [path for files in clips for path in files.values()]
        return {"side": self.image_side, "files": states(self.folder, paths)}

    def recordings(self, modalities: Iterable[Modality]) -> list[Recording]:
        """Return every recording that is there (see `Source.recordings`)."""
        return [
            _recording(sample_id, files) for sample_id, files in self._files(modalities).items()
        ]

    def read(self, recording: Recording, modality: Modality) -> Array:
        """Return one modality in its stored form (see `Source.read`)."""
        return read_file(modality, recording.files[modality], self.image_side)

    def _files(self, modalities: Iterable[Modality]) -> dict[str, dict[Modality, Path]]:
        unwanted = left_out(self.folder, CLIP, [LEFT_OUT, BAD_SAMPLES])
        return complete(self.folder, _found(self.folder), modalities, unwanted)


def read_file(modality: Modality, path: Path, image_side: int) -> Array:
    """Return one raw file, or folder of depth pictures, in the stored form of `modality`.

    Raises:
        UserError: Damaged, or not a modality of this benchmark; names the file.
        NobodySeenError: The skeleton file is whole, but shows nobody.
    """
    if modality is Modality.SKELETON:
        return in_stored_form(read_skeleton_text(path), modality, str(path))
    if modality is Modality.RGB:
        return in_stored_form(read_video(path, image_side), modality, str(path))
    if modality is Modality.INFRARED:
        return in_stored_form(read_video(path, image_side, colour=False), modality, str(path))
    if modality is Modality.DEPTH:
        return in_stored_form(_depth(path, image_side), modality, str(path))
    raise UserError(
        f"{path}: {NAME} is not read as {modality}",
        f"one of {', '.join([*ENDINGS, Modality.DEPTH])}",
        "choose another modality",
    )


def _depth(folder: Path, image_side: int) -> Array:
    masked = _shows(folder, PERSON)
    depth = read_depths(numbered(folder, PERSON if masked else SCENE))
    if masked and not depth.any():
        raise UserError(
            f"{folder}: every picture is 0 everywhere",
            "millimetres with a person in them",
            "fetch this folder of the benchmark again, or leave the sample out",
        )
    return crop_person(depth, image_side) if masked else shrink_scene(depth, image_side)


def _shows(folder: Path, pattern: re.Pattern[str]) -> bool:
    """Whether a file of `folder` has such a name; a folder is of one kind throughout."""
    with os.scandir(folder) as entries:
        return any(pattern.fullmatch(entry.name) for entry in entries)


def _found(folder: Path) -> Found:
    """Return what is there; depth of the person alone if there is any, else of whole scenes."""
    found: Found = {}
    scenes: Found = {}
    for path, sample_id, ending in _named(folder):
        if not ending and path.is_dir():
            kind = found if _shows(path, PERSON) else scenes
            note(kind, Modality.DEPTH, sample_id, path)
        for modality, pattern in ENDINGS.items():
            if pattern.fullmatch(ending):
                note(found, modality, sample_id, path)
    return scenes | found


def _named(folder: Path) -> Iterator[tuple[Path, str, str]]:
    """Yield files and folders that begin with an id of this benchmark: path, id and the rest."""
    for place, folders, names in walk(folder):
        for name in (*folders, *names):
            match = CLIP.match(name)
            if match and 1 <= int(match[5]) <= len(CLASSES):
                yield place / name, match.group().upper(), name[match.end() :]
        # pictures are many, and none is called by an id
        folders[:] = [name for name in folders if not CLIP.fullmatch(name)]


def _recording(sample_id: str, files: Mapping[Modality, Path]) -> Recording:
    setup, camera, performance = sample_id[:4], int(sample_id[5:8]), sample_id[8:]
    subject, action = int(sample_id[9:12]), int(sample_id[17:20])
    return Recording(
        sample_id,
        label=action - 1,
        subject=subject,
        camera=camera,
        group=setup + performance,
        splits={
            "cross-subject": "train" if subject in TRAINING_SUBJECTS else "test",
            "cross-view": "train" if camera in TRAINING_CAMERAS else "test",
        },
        files=files,
    )
