"""A camera, or a video file in its place, read by OpenCV as a student's clips are."""

from collections import deque
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from fckd.config.networks import Modality
from fckd.data.flow import optical_flow
from fckd.data.forms import Array
from fckd.errors import UserError
from fckd.registry.card import Card


def clips(source: str, card: Card, frames: int, every: int) -> Iterator[tuple[str, Array]]:
    """Yield the last `frames` frames after every `every` further ones, in stored form.

    Args:
        source: The number of a camera, a video file, or an address that OpenCV opens.
        card: Of a student that reads rgb, or flow of rgb.
        frames: Of one clip.
        every: Frames between two clips.

    Yields:
        The numbers of the first and last frame, and the clip, (frames, H, W, 3) uint8 of rgb.

    Raises:
        UserError: The student reads something else, the camera cannot be opened or ends, or a
            file is shorter than a clip.
    """
    modality, raw = card.network.modality, card.raw
    if modality not in {Modality.RGB, Modality.FLOW} or Modality(raw.flow_of) is not Modality.RGB:
        raise UserError(
            f"a camera for a student that reads {modality}",
            "a student that reads rgb, or flow of rgb",
            "record it, and name the recording instead",
        )
    kept: deque[Array] = deque(maxlen=frames)
    seen = 0
    for frame in _frames(source, raw.image_side):
        kept.append(frame)
        seen += 1
        if len(kept) == frames and (seen - frames) % every == 0:
            clip = np.stack(kept)
            name = f"{seen - frames}-{seen - 1}"
            yield name, optical_flow(clip, name) if modality is Modality.FLOW else clip
    if not Path(source).is_file():
        raise UserError(
            f"{_named(source)} ended after {seen} frames",
            "a stream that goes on until you stop it",
            "check the camera and the connection, then start again",
        )
    if seen < frames:
        raise UserError(
            f"{source} has only {seen} frames",
            f"{frames} for one clip",
            "choose a smaller --window",
        )


def _frames(source: str, side: int) -> Iterator[Array]:
    """Yield (H, W, 3) uint8, red first, the shorter side of `side` pixels."""
    capture = cv2.VideoCapture(int(source) if source.isdecimal() else source)
    try:
        if not capture.isOpened():
            known = source.isdecimal() or Path(source).exists()
            raise UserError(
                f"{_named(source)} cannot be opened",
                "the number of a camera (0 is the first), a video file, or rtsp://…",
                "check that it is there and free" if known else "check the path",
            )
        while True:
            there, frame = capture.read()
            if not there:
                return
            yield np.ascontiguousarray(_small(frame, side)[..., ::-1])
    finally:
        capture.release()


def _named(source: str) -> str:
    return f"camera {source}" if source.isdecimal() else source


def _small(frame: Array, side: int) -> Array:
    height, width = frame.shape[:2]
    shrinkage = min(1.0, side / min(height, width))
    size = max(1, round(width * shrinkage)), max(1, round(height * shrinkage))
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA))
