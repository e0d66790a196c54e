"""Video files to frames, by PyAV (FFmpeg): each frame is made small before the next is decoded.

What a file is called does not matter: it is opened here and handed over as bytes, so that no
character of its name means anything to FFmpeg, and its container is recognised by its content.
Only containers of video are let in, and they may open nothing else: a playlist in a file called
`.avi` would fetch whatever it names.
"""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import BinaryIO, cast

import av
import numpy as np
from av.buffer import Buffer
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream
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
        UserError: No such file, no video in it, damaged, cut off, of pictures that change their
            size, or far too large.
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
    mirrored = False
    options = {"format_whitelist": ",".join(CONTAINERS), "protocol_whitelist": "none"}
    with av.open(stream, "r", options=options) as container:
        video = container.streams.best("video")
        if not isinstance(video, VideoStream) or video.codec_context is None:
            raise unreadable(path, "it holds no pictures, or such as nothing here decodes")
        for frame in _filmed(path, container, video):
            # once a clip: a frame whose side data were read waits for the garbage collector
            mirrored = mirrored if frames else _is_mirrored(frame)
            frames.append(_small(frame, shorter_side, colour, mirrored))
            times.append(np.nan if frame.time is None else frame.time)
            if frames[-1].shape != frames[0].shape:
                raise unreadable(path, f"its pictures change their size at frame {len(frames)}")
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
    packets = 0
    ends: defaultdict[int, float] = defaultdict(float)
    for packet in container.demux(*container.streams.video, *container.streams.audio):
        ends[packet.stream.index] = max(ends[packet.stream.index], _end(packet))
        if packet.stream.index == video.index:
            if packet.is_corrupt:
                raise unreadable(path, "it is cut off in the middle of a frame")
            packets += packet.size > 0
            yield from video.decode(packet)
    if not _is_whole(container, video, packets, ends):
        raise unreadable(path, f"it is cut off after {packets} frames")


def _end(packet: "Packet[Stream]") -> float:
    """Return when what a packet holds is no longer shown or heard, seconds; 0 where unknown."""
    begin = packet.pts or packet.dts or 0
    return float((begin + (packet.duration or 0)) * (packet.time_base or 0))


def _is_whole(
    container: InputContainer, video: VideoStream, packets: int, ends: Mapping[int, float]
) -> bool:
    """Whether as much was read as the header promises: a count of pictures, else a duration.

    MPEG program and transport streams promise neither; they may begin and end anywhere.
    Packets are counted, not frames: a clip cut out without encoding it anew keeps packets from
    before its beginning that are decoded and never shown. An AVI counts pictures that were
    dropped, of which nothing is read; the time they take is still there. A duration is that of
    the longest stream, often of the sound.

    Args:
        container: Read to its end.
        video: The pictures in it.
        packets: Read of `video`.
        ends: Index of a stream -> when the last that was read of it ends, seconds.
    """
    if video.frames:
        # not `video.duration`: FFmpeg shortens that to what is left of a file
        seconds = video.frames / video.average_rate if video.average_rate else np.inf
        return packets >= WHOLE * video.frames or ends[video.index] >= WHOLE * seconds
    return max(ends.values(), default=0.0) >= WHOLE * (container.duration or 0) / av.time_base


def _small(frame: VideoFrame, shorter_side: int, colour: bool, mirrored: bool) -> Frames:
    shrinkage = min(1.0, shorter_side / min(frame.width, frame.height))
    resized = frame.reformat(
        width=max(1, round(frame.width * shrinkage)),
        height=max(1, round(frame.height * shrinkage)),
        format="rgb24" if colour else "gray",
        interpolation="AREA",
        threads=1,
    )
    # a telephone films lying on its side and notes by how much; only quarter turns are written
    picture = resized.to_ndarray()[:: -1 if mirrored else 1]
    return np.rot90(picture, round(frame.rotation / 90)).astype(np.uint8, copy=False)


def _is_mirrored(frame: VideoFrame) -> bool:
    """Whether a player turns the picture upside down, as a mirror does, before it rotates it."""
    try:
        matrix = cast(Mapping[str, Buffer], frame.side_data).get("DISPLAYMATRIX")
    except ValueError:  # PyAV reads none if one beside it is of a kind that it has no name for
        return False
    if matrix is None:
        return False
    (a, b), (c, d) = np.frombuffer(bytes(matrix), np.int32).reshape(3, 3)[:2, :2].astype(float)
    return bool(a * d < b * c)


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
