"""Skeletons of Northwestern-UCLA: the text files of the release, and the json re-release."""

import json
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from fckd.config.skeletons import KINECT_V1
from fckd.data.forms import Array
from fckd.data.sources.text_lines import Lines
from fckd.data.sources.tracks import Track, moving_bodies
from fckd.errors import UserError

KINECT_SDK = (
    *("hip_center", "spine", "shoulder_center", "head"),
    *(f"left_{joint}" for joint in ("shoulder", "elbow", "wrist", "hand")),
    *(f"right_{joint}" for joint in ("shoulder", "elbow", "wrist", "hand")),
    *(f"left_{joint}" for joint in ("hip", "knee", "ankle", "foot")),
    *(f"right_{joint}" for joint in ("hip", "knee", "ankle", "foot")),
)
"""The order of joints in both releases: that of the Kinect's own library, hips first."""
IN_OUR_ORDER = [KINECT_SDK.index(joint) for joint in KINECT_V1.joints]

TEXT = "for every body a line with its number, then 20 lines of x,y,z,confidence"
JSON = '{"label": 1 to 10, "skeletons": frames of 20 joints of 3 numbers}'


def read_texts(paths: Sequence[Path]) -> Array:
    """Return one clip, a file a frame, as (T, 20, 3): the body that moves most.

    Raises:
        UserError: A file is damaged.
        NobodySeenError: No body in any frame.
    """
    tracked: defaultdict[str, Track] = defaultdict(dict)
    for frame, path in enumerate(paths):
        lines = Lines(path, TEXT)
        while not lines.ended:
            body = lines.words()[0]
            tracked[body][frame] = lines.points(len(KINECT_SDK))
    return moving_bodies(tracked, len(paths), most=1)[:, IN_OUR_ORDER]


def read_json(path: Path, action: int | None = None) -> Array:
    """Return one clip as (T, 20, 3) of whatever real numbers the file has.

    Args:
        path: The file.
        action: The label that the file must have, counted from 1; None if it is not known.

    Raises:
        UserError: Damaged, of another form, or labelled otherwise.
    """
    try:
        content = json.loads(path.read_bytes())
        joints = np.array(content["skeletons"])
        label = content["label"]
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as damage:
        raise _wrong(path, str(damage) or type(damage).__name__) from damage
    numbers = joints.dtype.kind in "if"
    if not numbers or joints.ndim != 3 or joints.shape[1:] != (len(KINECT_SDK), 3):
        raise _wrong(path, f"skeletons are an array {joints.shape} of {joints.dtype}")
    if action is not None and label != action:
        raise _wrong(path, f"its name says action {action}, its label says {label!r}")
    return joints[:, IN_OUR_ORDER]


def _wrong(path: Path, what: str) -> UserError:
    return UserError(
        f"cannot read {path}: {what}",
        JSON,
        "fetch this file of the benchmark again, or leave the sample out",
    )
