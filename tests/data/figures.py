"""People of made-up benchmarks: skeletons that stand and move, and pictures byte by byte."""

import struct
import zlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fckd.config.skeletons import KINECT_V1, SkeletonLayout


def standing(
    layout: SkeletonLayout = KINECT_V1, frames: int = 12, reach: float = 0.1, place: float = 0.0
) -> NDArray[np.float64]:
    """Return (frames, joints, 3) in metres: upright, 3 m away, swaying `reach` to either side."""
    heights = np.linspace(1.5, 0.2, len(layout.joints))
    points = np.zeros((frames, len(layout.joints), 3))
    points[..., 0] = place + reach * np.sin(np.linspace(0, 6, frames))[:, None]
    points[..., 1], points[..., 2] = heights, 3.0
    for side, sign in (("left", -1), ("right", 1)):
        ours = [place for place, joint in enumerate(layout.joints) if joint.startswith(side)]
        points[:, ours, 0] += 0.2 * sign
    return points


def walking_depth(frames: int = 10, height: int = 48, width: int = 64) -> NDArray[np.uint16]:
    """Return (T, H, W) millimetres: a person at 2.5 m who moves to the right, nothing behind."""
    depth = np.zeros((frames, height, width), np.uint16)
    for time, frame in enumerate(depth):
        frame[8:40, 10 + time : 22 + time] = 2500
    return depth


def write_png16(path: Path, image: NDArray[np.uint16]) -> None:
    """Write (H, W) as a PNG of one channel of 16 bits, as a Kinect's depth is published."""
    height, width = image.shape
    rows = b"".join(b"\0" + row.astype(">u2").tobytes() for row in image)
    header = struct.pack(">IIBBBBB", width, height, 16, 0, 0, 0, 0)
    parts = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(*part) for part in parts))


def write_jpeg(path: Path, image: NDArray[np.uint8]) -> None:
    """Write (H, W, 3) as a JPEG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(image).save(path, "JPEG", quality=95)


def _chunk(kind: bytes, content: bytes) -> bytes:
    checksum = zlib.crc32(kind + content)
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", checksum)
