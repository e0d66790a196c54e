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
        UserError: The student reads something else, or the camera cannot be opened.
    """
    modality, raw = card.network.modality, card.raw
    if modality not in {Modality.RGB, Modality.FLOW} or Modality(raw.flow_of) is not Modality.RGB:
        raise UserError(
            f"a camera for a student that reads {modality}",
            "a student that reads rgb, or flow of rgb",
            "record it, and name the recording instead",
        )
    kept: deque[Array] = deque(maxlen=frames)
    for number, frame in enumerate(_frames(source, raw.image_side)):
        kept.append(frame)
        if len(kept) == frames and (number + 1 - frames) % every == 0:
            clip = np.stack(kept)
            name = f"{number + 1 - frames}-{number}"
            yield name, optical_flow(clip, name) if modality is Modality.FLOW else clip


def _frames(source: str, side: int) -> Iterator[Array]:
    """Yield (H, W, 3) uint8, red first, the shorter side of `side` pixels."""
    capture = cv2.VideoCapture(int(source) if source.isdecimal() else source)
    try:
        if not capture.isOpened():
            known = source.isdecimal() or Path(source).exists()
            raise UserError(
                f"{'camera ' if source.isdecimal() else ''}{source} cannot be opened",
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


def _small(frame: Array, side: int) -> Array:
    height, width = frame.shape[:2]
    shrinkage = min(1.0, side / min(height, width))
    size = max(1, round(width * shrinkage)), max(1, round(height * shrinkage))
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA))
