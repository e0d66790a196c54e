"""Northwestern-UCLA Multiview Action 3D (Wang et al., CVPR 2014), raw or as json skeletons.

Raw: `view_{1,2,3}/aXX_sXX_eXX/frame_{i}_tc_{ms}_{rgb.jpg|depth.png|skeletons.txt}`; json:
`aXX_sXX_eXX_vXX.json`. Both may lie at any depth below the folder.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from fckd.config.networks import Modality
from fckd.data.forms import Array, in_stored_form
from fckd.data.sources.base import Recording
from fckd.data.sources.listing import LEFT_OUT, Found, complete, left_out, note, states, walk
from fckd.data.sources.n_ucla_skeleton import read_json, read_texts
from fckd.data.sources.pictures import numbered, read_colours, read_depths
from fckd.data.sources.scene_depth import shrink_scene
from fckd.errors import UserError

NAME = "n-ucla"

ACTIONS = {
    1: "pick up with one hand",
    2: "pick up with two hands",
    3: "drop trash",
    4: "walk around",
    5: "sit down",
    6: "stand up",
    8: "donning",
    9: "doffing",
    11: "throw",
    12: "carry",
}
"""There are no actions 7 and 10."""
LABELS = {action: label for label, action in enumerate(ACTIONS)}
TEST_VIEW = 3

VIEW = re.compile(r"view_([123])", re.IGNORECASE)
PERFORMANCE = re.compile(r"a(\d{1,3})_s(\d{1,3})_e(\d{1,3})", re.IGNORECASE)
CLIP = re.compile(r"a(\d{1,3})_s(\d{1,3})_e(\d{1,3})_v(\d{1,3})", re.IGNORECASE)
FRAMES = {
    Modality.RGB: re.compile(r"frame_(\d+)_tc_\d+_rgb\.jpe?g", re.IGNORECASE),
    Modality.DEPTH: re.compile(r"frame_(\d+)_tc_\d+_depth\.png", re.IGNORECASE),
    Modality.SKELETON: re.compile(r"frame_(\d+)_tc_\d+_skeletons?\.txt", re.IGNORECASE),
}


class Clip(NamedTuple):
    """What the names say; every number is counted from 1 but the event's."""

    action: int
    subject: int
    event: int
    view: int

    def __str__(self) -> str:
        return f"{self.performance}_v{self.view:02d}"

    @property
    def performance(self) -> str:
        """The name that the three views of one performance share."""
        return f"a{self.action:02d}_s{self.subject:02d}_e{self.event:02d}"


class NUcla:
    """10 actions by 10 subjects before three cameras; tested on the third.

    Args:
        folder: Holds the raw release, the json re-release, or both; skeletons are then raw.
        image_side: Shorter side of images as they are stored, pixels.
    """

    name = NAME
    classes: tuple[str, ...] = tuple(ACTIONS.values())

    def __init__(self, folder: Path, image_side: int) -> None:
        self.folder = folder
        self.image_side = image_side

    def identity(self, modalities: Iterable[Modality]) -> dict[str, Any]:
        """Return the options of the reader, and the state of every file and folder."""
        clips = self._files(modalities).values()
        paths = {path for files in clips for path in files.values()}
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
        raw, again = _found(self.folder)
        if Modality.SKELETON not in raw:
            raw |= again
        unwanted = left_out(self.folder, CLIP, [LEFT_OUT])
        return complete(self.folder, raw, modalities, unwanted)


def read_file(modality: Modality, path: Path, image_side: int) -> Array:
    """Return a clip's folder, or a json file of skeletons, in the stored form of `modality`.

    Raises:
        UserError: Damaged, incomplete, or not a modality of this benchmark; names the file.
        NobodySeenError: The skeleton files are whole, but show nobody.
    """
    if modality not in FRAMES:
        raise UserError(
            f"{path}: {NAME} is not read as {modality}",
            f"one of {', '.join(FRAMES)}",
            "choose another modality",
        )
    if modality is Modality.SKELETON and path.suffix.lower() == ".json":
        return in_stored_form(read_json(path, _label_of(path)), modality, str(path))
    return in_stored_form(_of_frames(modality, path, image_side), modality, str(path))


def _label_of(path: Path) -> int | None:
    """Return the label, counted from 1, that the name of a json file tells; None if it does not."""
    match = CLIP.fullmatch(path.stem)
    if not match:
        return None
    if int(match[1]) not in LABELS:
        raise UserError(
            f"cannot read {path}: its name says action {int(match[1])}, and {NAME} has none such",
            f"an action of {', '.join(map(str, ACTIONS))}, or a name of another form",
            "correct its name, or choose another file",
        )
    return LABELS[int(match[1])] + 1


def _of_frames(modality: Modality, folder: Path, image_side: int) -> Array:
    frames = numbered(folder, FRAMES[modality])
    if modality is Modality.SKELETON:
        return read_texts(frames)
    if modality is Modality.RGB:
        return read_colours(frames, image_side)
    return shrink_scene(read_depths(frames), image_side)


def _found(folder: Path) -> tuple[Found, Found]:
    """Return the folders of raw clips, and the json files."""
    raw: Found = {}
    again: Found = {}
    for here, _, names in walk(folder):
        clip = _raw_clip(here)
        for modality, pattern in FRAMES.items() if clip else ():
            if any(pattern.fullmatch(name) for name in names):
                note(raw, modality, str(clip), here)
        for name in names:
            match = CLIP.fullmatch(name[: -len(".json")])
            if match and name.lower().endswith(".json") and int(match[1]) in ACTIONS:
                named = Clip(*(int(number) for number in match.groups()))
                note(again, Modality.SKELETON, str(named), here / name)
    return raw, again


def _raw_clip(folder: Path) -> Clip | None:
    view, performance = VIEW.fullmatch(folder.parent.name), PERFORMANCE.fullmatch(folder.name)
    if not view or not performance or int(performance[1]) not in ACTIONS:
        return None
    action, subject, event = (int(number) for number in performance.groups())
    return Clip(action, subject, event, int(view[1]))


def _recording(sample_id: str, files: Mapping[Modality, Path]) -> Recording:
    action, subject, event, view = (int(part[1:]) for part in sample_id.split("_"))
    return Recording(
        sample_id,
        label=LABELS[action],
        subject=subject,
        camera=view,
        group=Clip(action, subject, event, view).performance,
        splits={"cross-view": "test" if view == TEST_VIEW else "train"},
        files=files,
    )
