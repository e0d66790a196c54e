"""Video files to frames, by PyAV (FFmpeg): each frame is made small before the next is decoded.

What a file is called does not matter: it is opened here and handed over as bytes, so that no
character of its name means anything to FFmpeg, and its container is recognised by its content.
Only containers of video are let in, and they may open nothing else: a playlist in a file called
`.avi` would fetch whatever it names.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

import av
import numpy as np
from av.container import InputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream
from numpy.typing import NDArray

from fckd.errors import UserError

Frames = NDArray[np.uint8]

CONTAINERS = ("avi", "mov", "matroska", "mpeg", "mpegts", "flv", "ogg")
"""FFmpeg's names; mov is also mp4, matroska is also webm."""
MAXIMUM_PIXELS = 2**26
"""Of a frame as it is filmed: twice 8K. A damaged header can claim anything."""
MAXIMUM_BYTES = 2**31
"""Of a clip once it is made small."""
WHOLE = 0.9
"""Share of what the header promises; with less the file is cut off. Not 1: encoders miscount."""

DAMAGE = (av.FFmpegError, OSError, ValueError, MemoryError, OverflowError)


def read_video(path: Path, shorter_side: int, colour: bool = True) -> Frames:
    """Return the frames of a clip at even instants, upright.

    A clip of variable frame rate has as many frames as were filmed; each is what a player shows
    at its instant.

    Args:
        path: A video of any codec of FFmpeg, under any name.
        shorter_side: Of height and width after the mean over areas, pixels; what is smaller
            already stays as it is. The ratio of the sides is kept.
        colour: Whether red, green and blue are wanted, or brightness alone.

    Returns:
        (T, H, W, 3) uint8, or (T, H, W) without colour.

    Raises:
        UserError: No such file, no video in it, damaged, cut off, or far too large.
    """
    if not path.is_file():
        raise unreadable(path, "there is no such file")
    try:
        with path.open("rb") as stream:
            frames, times = _decoded(path, stream, shorter_side, colour)
    except DAMAGE as damage:
        raise unreadable(path, str(damage)) from damage
    return np.stack([frames[shown] for shown in _shown_at_even_instants(times)])


def unreadable(path: Path, why: str) -> UserError:
    """Return the error for a file that gives no clip."""
    return UserError(
        f"cannot read the video {path}: {why}",
        "a whole video file (avi, mp4, mov, mkv, webm, mpg, ts, flv, ogv)",
        "play it to see what is wrong; fetch or record it again, or leave the sample out",
    )


def _decoded(
    path: Path, stream: BinaryIO, shorter_side: int, colour: bool
) -> tuple[list[Frames], NDArray[np.float64]]:
    """Return small frames, and when each begins to be shown, seconds (NaN where unknown)."""
    frames: list[Frames] = []
    times: list[float] = []
    options = {"format_whitelist": ",".join(CONTAINERS), "protocol_whitelist": "none"}
    with av.open(stream, "r", options=options) as container:
        video = container.streams.best("video")
        if not isinstance(video, VideoStream) or video.codec_context is None:
            raise unreadable(path, "it holds no pictures, or such as nothing here decodes")
        for frame in _filmed(path, container, video):
            frames.append(_small(frame, shorter_side, colour))
            times.append(np.nan if frame.time is None else frame.time)
            if len(frames) * frames[0].nbytes > MAXIMUM_BYTES:
                raise unreadable(path, f"more than {len(frames)} frames: cut it into clips")
    if not frames:
        raise unreadable(path, "it holds no frame")
    return frames, np.array(times)


def _filmed(path: Path, container: InputContainer, video: VideoStream) -> Iterator[VideoFrame]:
    """Yield the decoded frames; one thread, for clips are read by many processes side by side."""
    video.thread_type = "NONE"
    video.codec_context.thread_count = 1
    video.codec_context.options = {"max_pixels": str(MAXIMUM_PIXELS)}
    packets, latest = 0, 0
    for packet in container.demux(video):
        if packet.is_corrupt:
            raise unreadable(path, "it is cut off in the middle of a frame")
        packets += packet.size > 0
        latest = max(latest, (packet.pts or 0) + (packet.duration or 0))
        yield from packet.decode()
    seconds = float(latest * video.time_base) if video.time_base else 0.0
    if not _is_whole(container, video, packets, seconds):
        raise unreadable(path, f"it is cut off after {packets} frames")


def _is_whole(container: InputContainer, video: VideoStream, packets: int, seconds: float) -> bool:
    """Whether as much was read as the header promises: a count, else a duration.

    MPEG program and transport streams promise neither; they may begin and end anywhere.
    Packets are counted, not frames: a clip cut out without encoding it anew keeps packets from
    before its beginning that are decoded and never shown.
    """
    if video.frames:
        return packets >= WHOLE * video.frames
    return seconds >= WHOLE * (container.duration or 0) / av.time_base


def _small(frame: VideoFrame, shorter_side: int, colour: bool) -> Frames:
    shrinkage = min(1.0, shorter_side / min(frame.width, frame.height))
    resized = frame.reformat(
        width=max(1, round(frame.width * shrinkage)),
        height=max(1, round(frame.height * shrinkage)),
        format="rgb24" if colour else "gray",
        interpolation="AREA",
        threads=1,
    )
    # a telephone films lying on its side and notes by how much; only quarter turns are written
    return np.rot90(resized.to_ndarray(), round(frame.rotation / 90)).astype(np.uint8, copy=False)


def _shown_at_even_instants(times: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return for each of T even instants the index of the frame shown then; T as in `times`.

    Without a time for every frame, or with times that do not increase, the frames stay as they
    are.
    """
    steps = np.diff(times)
    if not (len(steps) and np.isfinite(times).all() and (steps > 0).all()):
        return np.arange(len(times))
    instants = times[0] + (np.arange(len(times)) + 0.5) * steps.mean()
    shown: NDArray[np.int64] = np.searchsorted(times, instants, side="right") - 1
    return shown
