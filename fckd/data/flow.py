"""Optical flow: how far every pixel moves from one frame to the next.

Dense inverse search (Kroeger, Timofte, Dai and Van Gool, "Fast Optical Flow using Dense Inverse
Search", ECCV 2016), as OpenCV has it.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from fckd.data.forms import FASTEST_FLOW, FLOW_STEPS_PER_PIXEL
from fckd.errors import UserError

SMALLEST_SIDE = 16
"""Pixels; OpenCV ends the process (a segmentation fault) for some images that are 15 high."""


def optical_flow(frames: NDArray[np.uint8], place: str) -> NDArray[np.int8]:
    """Return the motion that leads to each frame from the one before it.

    Args:
        frames: (T, H, W) uint8, or (T, H, W, 3) red, green and blue.
        place: Where the frames were found, for the message of an error.

    Returns:
        (T, H, W, 2) int8 in the stored form (`fckd.data.forms`): motion to the right and down;
        none in the first frame, for nothing leads to it.

    Raises:
        UserError: The frames are too small.
    """
    if min(frames.shape[1:3]) < SMALLEST_SIDE:
        height, width = frames.shape[1:3]
        raise UserError(
            f"{place}: optical flow of frames of {height} by {width} pixels",
            f"at least {SMALLEST_SIDE} pixels either way",
            "raise corpus.image_side, or leave out the modality flow",
        )
    cv2.setNumThreads(1)  # many processes do this side by side, and the images are small
    search = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
    flow = np.zeros((*frames.shape[:3], 2), np.int8)
    before = _grey(frames[0])
    for number, frame in enumerate(frames[1:], start=1):
        after = _grey(frame)
        pixels = search.calc(before, after, np.empty(0))
        steps = np.rint(FLOW_STEPS_PER_PIXEL * pixels)
        flow[number] = np.clip(steps, -FASTEST_FLOW, FASTEST_FLOW)
        before = after
    return flow


def _grey(frame: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if frame.ndim == 2:
        return np.ascontiguousarray(frame)
    return np.asarray(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), np.uint8)
