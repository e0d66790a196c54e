"""Small videos, encoded here."""

from collections.abc import Sequence
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

CODECS = {"avi": "mpeg4", "mp4": "libx264", "matroska": "libx264", "mpegts": "mpeg2video"}
"""A codec for each container."""


def moving_square(frames: int = 12, height: int = 48, width: int = 64) -> NDArray[np.uint8]:
    """Return (T, H, W, 3): a white square goes to the right on a green ground, 2 pixels a frame."""
    clip = np.zeros((frames, height, width, 3), np.uint8)
    clip[..., 1] = 100
    for time, frame in enumerate(clip):
        frame[16:32, 8 + 2 * time : 24 + 2 * time] = 255
    return clip


def write_video(
    path: Path,
    clip: NDArray[np.uint8],
    container: str = "avi",
    times: Sequence[int] | None = None,
    rate: int = 30,
) -> Path:
    """Write (T, H, W, 3) frames.

    Args:
        path: Its suffix does not matter.
        clip: The frames.
        container: FFmpeg's name.
        times: When each frame begins, in units of 1/rate seconds; by default one after the other.
        rate: Frames per second.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file, av.open(file, "w", format=container) as stream:
        video = stream.add_stream(CODECS[container], rate=rate)
        video.height, video.width = clip.shape[1:3]
        video.pix_fmt = "yuv420p"
        video.codec_context.bit_rate = 4_000_000
        for time, picture in zip(times or range(len(clip)), clip, strict=True):
            frame = av.VideoFrame.from_ndarray(picture)
            frame.pts = time
            stream.mux(video.encode(frame))
        stream.mux(video.encode())
    return path
