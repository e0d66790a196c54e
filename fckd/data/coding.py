"""Frames as pictures: smaller in the corpus, decoded one by one when they are read.

`python -m benchmarks.frame_coding` measures what each coding saves and costs.
"""

from collections.abc import Callable
from typing import Any, Literal

import cv2
import numpy as np

from fckd.data.forms import Array

Coding = Literal["jpeg", "png"]

JPEG_QUALITY = 95
PNG_EFFORT = 1
"""Of 9; more effort takes longer to read and gains nothing on depth and flow."""


class UndecodableError(ValueError):
    """Bytes that are not a picture of the expected size."""


def encoded(frame: Array, coding: Coding) -> bytes:
    """Return one frame as the bytes that a corpus holds.

    Args:
        frame: (H, W) or (H, W, 3) uint8, or (H, W, 2) int8.
        coding: `png` gives back what it was given, `jpeg` nearly.
    """
    return ENCODERS[coding](frame)


def decoded(content: bytes | memoryview, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
    """Return the frame that `encoded` was given.

    Args:
        content: The bytes.
        shape: Of the frame.
        dtype: uint8 or int8.

    Raises:
        UndecodableError: They are not a picture of this shape.
    """
    colour = shape[2:] == (3,)
    mode = cv2.IMREAD_COLOR_RGB if colour else cv2.IMREAD_GRAYSCALE
    try:
        picture = cv2.imdecode(np.frombuffer(content, np.uint8), mode)
    except cv2.error as refusal:
        raise UndecodableError(str(refusal)) from refusal
    if picture is None or picture.size != np.prod(shape):
        raise UndecodableError(f"not a picture of {' × '.join(map(str, shape))}")
    frame: Array = picture.view(dtype).reshape(shape)
    return frame


def _jpeg(frame: Array) -> bytes:
    # every pixel keeps its colour: at this size, halved colour would be seen
    full_colour = cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444
    options = [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY]
    options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, full_colour]
    return _written(".jpg", frame, options)


def _png(frame: Array) -> bytes:
    return _written(".png", frame, [cv2.IMWRITE_PNG_COMPRESSION, PNG_EFFORT])


def _written(kind: str, frame: Array, options: list[int]) -> bytes:
    colour = frame.shape[2:] == (3,)
    # flow's two numbers lie side by side, as a grey picture of twice the width
    plane = frame if colour else frame.view(np.uint8).reshape(len(frame), -1)
    picture = cv2.cvtColor(plane, cv2.COLOR_RGB2BGR) if colour else plane
    _, content = cv2.imencode(kind, picture, options)
    return content.tobytes()


ENCODERS: dict[Coding, Callable[[Array], bytes]] = {"jpeg": _jpeg, "png": _png}
