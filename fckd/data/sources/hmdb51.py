"""HMDB51 (Kuehne, Jhuang, Garrote, Poggio and Serre, ICCV 2011): clips of films, 51 actions.

The folder holds `testTrainMulti_7030_splits`, and a folder of `.avi` files for every class, in it
or up to two folders further down, as unpacking the archive and the archives in it leaves them.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from fckd.config.networks import Modality
from fckd.data.forms import Array, in_stored_form
from fckd.data.sources.base import Recording
from fckd.data.sources.hmdb51_splits import CLASSES, SUFFIX, Listed, read_split_lists
from fckd.data.sources.listing import LEFT_OUT, Found, check_whole, left_out, note, states, walk
from fckd.data.video import read_video
from fckd.errors import UserError

NAME = "hmdb51"

LISTS = "testTrainMulti_7030_splits"
DEEPEST = 3
"""Folders from the benchmark's own down to the clips."""

CLIP = re.compile(r"[^\s/]+?(?=\.avi|\s|$)", re.IGNORECASE)
"""A clip in a list of clips to leave out."""
UNKNOWN = 0
"""Subject and camera: nobody noted who acts, or which camera films."""


class Hmdb51:
    """6,371 clips that at least one of the three official splits uses; rgb only.

    Args:
        folder: See above.
        image_side: Shorter side of the stored frames, pixels.
    """

    name = NAME
    classes: tuple[str, ...] = tuple(action.replace("_", " ") for action in CLASSES)

    def __init__(self, folder: Path, image_side: int) -> None:
        self.folder = folder
        self.image_side = image_side

    def identity(self, modalities: Iterable[Modality]) -> dict[str, Any]:
        """Return the size of images, and the state of every clip and list."""
        clips = [path for each in self.recordings(modalities) for path in each.files.values()]
        lists = sorted((self.folder / LISTS).glob("*.txt"))
        return {"image_side": self.image_side, "files": states(self.folder, [*clips, *lists])}

    def recordings(self, modalities: Iterable[Modality]) -> list[Recording]:
        """Return every recording (see `Source.recordings`)."""
        wanted = set(modalities)
        for modality in wanted:
            _check_modality(modality)
        listed = read_split_lists(self.folder / LISTS)
        omitted = left_out(self.folder, CLIP, [LEFT_OUT])
        names = sorted(clip for clip in listed if clip.upper() not in omitted)
        if not wanted:
            return [_recording(clip, listed[clip], {}) for clip in names]
        clips = self._clips()
        check_whole(self.folder, Modality.RGB, clips, names)
        return [_recording(clip, listed[clip], {Modality.RGB: clips[clip]}) for clip in names]

    def read(self, recording: Recording, modality: Modality) -> Array:
        """Return one modality in its stored form (see `Source.read`)."""
        return read_file(modality, recording.files[modality], self.image_side)

    def _clips(self) -> dict[str, Path]:
        """Return every `.avi` in a folder with the name of a class, by its own name."""
        found: Found = {Modality.RGB: {}}
        for here, folders, names in walk(self.folder):
            if len(here.relative_to(self.folder).parts) == DEEPEST:
                folders.clear()
            if here.name not in CLASSES:
                continue
            for path in map(here.joinpath, names):
                if path.suffix.lower() == SUFFIX:
                    note(found, Modality.RGB, path.stem, path)
        return found[Modality.RGB]


def read_file(modality: Modality, path: Path, image_side: int) -> Array:
    """Return one clip in the stored form of `modality`, which can only be rgb.

    Raises:
        UserError: Another modality, or a damaged clip; names the file.
    """
    _check_modality(modality)
    return in_stored_form(read_video(path, image_side), modality, str(path))


def _check_modality(modality: Modality) -> None:
    if modality is not Modality.RGB:
        raise UserError(
            f"{NAME} holds no {modality}",
            f"{Modality.RGB}, and what is computed of it",
            "choose another modality for the student or teacher",
        )


def _recording(clip: str, listed: Listed, files: dict[Modality, Path]) -> Recording:
    return Recording(
        sample_id=clip,
        label=listed.label,
        subject=UNKNOWN,
        camera=UNKNOWN,
        group=film_of(clip, CLASSES[listed.label]),
        splits=listed.splits,
        files=files,
    )


def film_of(clip: str, action: str) -> str:
    """Return the title of the film that a clip was cut from, without the number of a part.

    A name is title, action, visible part of the body, motion of the camera, number of people, view,
    quality and number of the clip; it is read from the right, for a title may hold anything.
    """
    about = rf"_{action}_[hufl]_(cm|nm)_np\d+_(fr|ba|le|ri)_(goo|med|bad)_\d+"
    match = re.fullmatch(rf"(?P<title>.+?)(_\d+)?{about}", clip, re.DOTALL)
    if match is None:
        raise UserError(
            f"{NAME}: the clip {clip!r} of the class {action}",
            f"a name such as April_09_{action}_u_nm_np1_ba_goo_0",
            "use the official names: they say which clips are of one film",
        )
    return match["title"].casefold()
