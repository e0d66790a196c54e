"""Small videos, encoded here."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
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


def write_turned_video(path: Path, container: str, codec: str) -> Path:
    """Write six frames of 64 by 48 pixels and then six of 48 by 64, in one stream."""
    with path.open("wb") as file, av.open(file, "w", format=container) as stream:
        video = stream.add_stream(codec, rate=30)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        turned = av.CodecContext.create(codec, "w")
        turned.width, turned.height, turned.pix_fmt = 48, 64, "yuv420p"
        turned.time_base, turned.framerate = Fraction(1, 30), 30
        written = 0
        for encoder, clip in ((video, moving_square(6)), (turned, moving_square(6, 64, 48))):
            for packet in _packets(encoder, clip):
                packet.stream, packet.time_base = video, Fraction(1, 30)
                packet.pts = packet.dts = written
                stream.mux(packet)
                written += 1
    return path


def write_video_with_sound(
    path: Path, clip: NDArray[np.uint8], seconds: float, container: str, codecs: tuple[str, str]
) -> Path:
    """Write 30 frames a second beside `seconds` of silence, as they are heard and seen.

    Args:
        path: The file.
        clip: (T, H, W, 3) uint8.
        seconds: Of sound.
        container: FFmpeg's name.
        codecs: Of the pictures, and of the sound.
    """
    with path.open("wb") as file, av.open(file, "w", format=container) as stream:
        video = stream.add_stream(codecs[0], rate=30)
        video.height, video.width = clip.shape[1:3]
        video.pix_fmt = "yuv420p"
        sound = stream.add_stream(codecs[1], rate=44100)
        packets = [*_packets(video, clip), *_silence(sound, seconds)]
        for packet in sorted(packets, key=lambda packet: packet.dts * packet.time_base):
            stream.mux(packet)
    return path


def _packets(encoder, clip: NDArray[np.uint8]) -> Iterator[av.Packet]:
    for time, picture in enumerate(clip):
        frame = av.VideoFrame.from_ndarray(picture)
        frame.pts = time
        yield from encoder.encode(frame)
    yield from encoder.encode()


def _silence(encoder, seconds: float) -> Iterator[av.Packet]:
    for begin in range(0, int(44100 * seconds), 1024):
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.int16), layout="mono")
        frame.sample_rate, frame.pts = 44100, begin
        yield from encoder.encode(frame)
    yield from encoder.encode()
