"""Folders of numbered pictures, one a frame, by Pillow."""

import re
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from fckd.data.forms import Array
from fckd.errors import UserError

MAXIMUM_PIXELS = 2**26
"""Of one picture: a damaged header can claim anything."""
MAXIMUM_BYTES = 2**31
"""Of a clip in memory."""
DEPTH_MODES = ("I;16", "I;16B", "I;16L", "I")
"""Pillow's names of pictures with one channel of 16 bits."""
DAMAGE = (OSError, ValueError, SyntaxError, EOFError, OverflowError, MemoryError)
"""What Pillow raises for truncated and altered files."""


def numbered(folder: Path, pattern: re.Pattern[str]) -> list[Path]:
    """Return the files of `folder` whose whole name matches, by the number in its first group.

    Raises:
        UserError: There are none, two have the same number, or the folder cannot be read.
    """
    try:
        names = sorted(path.name for path in folder.iterdir())
    except OSError as refusal:
        raise UserError(
            f"cannot read {folder}: {refusal.strerror}", "a folder of pictures", "check it"
        ) from refusal
    found: dict[int, Path] = {}
    for name in names:
        match = pattern.fullmatch(name)
        if match is None:
            continue
        other = found.setdefault(int(match[1]), folder / name)
        if other.name != name:
            raise UserError(
                f"{folder}: {other.name} and {name} are the same frame",
                "one file for each frame",
                "remove one of the two",
            )
    if not found:
        raise UserError(
            f"{folder} holds no frame",
            f"a numbered picture for each frame, its name matching {pattern.pattern}",
            "name the folder that holds the pictures themselves, or fetch it again",
        )
    return [found[number] for number in sorted(found)]


def read_colours(paths: Sequence[Path], shorter_side: int) -> NDArray[np.uint8]:
    """Return pictures as (T, H, W, 3) uint8: the mean over areas, the ratio of the sides kept.

    Args:
        paths: In the order of time.
        shorter_side: Of height and width, pixels; what is smaller already stays as it is.

    Raises:
        UserError: A picture is damaged, has 16 bits, or is of another size than the first.
    """

    def colours(image: Image.Image) -> Array:
        if image.mode in DEPTH_MODES:
            raise ValueError(f"it has the mode {image.mode}, not channels of 8 bits")
        # a draft of a JPEG is decoded at a half, a quarter or an eighth of its size
        image.draft("RGB", _smaller(image.size, 2 * shorter_side))
        small = _smaller(image.size, shorter_side)
        return np.asarray(image.convert("RGB").resize(small, Image.Resampling.BOX))

    return _stacked(paths, colours)


def read_depths(paths: Sequence[Path]) -> NDArray[np.uint16]:
    """Return 16-bit pictures as (T, H, W) uint16, unchanged.

    Raises:
        UserError: A picture is damaged, has not 16 bits, or is of another size than the first.
    """

    def depth(image: Image.Image) -> Array:
        if image.mode not in DEPTH_MODES:
            raise ValueError(f"it has the mode {image.mode}, not one channel of 16 bits")
        return np.asarray(image).astype(np.uint16)

    return _stacked(paths, depth)


def _smaller(size: tuple[int, int], shorter_side: int) -> tuple[int, int]:
    shrinkage = min(1.0, shorter_side / min(size))
    width, height = (max(1, round(length * shrinkage)) for length in size)
    return width, height


def _stacked(paths: Sequence[Path], convert: Callable[[Image.Image], Array]) -> Array:
    frames: list[Array] = []
    for path in paths:
        frame = _opened(path, convert)
        if frames and frame.shape != frames[0].shape:
            raise _unreadable(path, f"it has the shape {frame.shape}, others {frames[0].shape}")
        frames.append(frame)
        if len(frames) * frame.nbytes > MAXIMUM_BYTES:
            raise _unreadable(path, f"the clip is longer than {len(frames)} frames")
    return np.stack(frames)


def _opened(path: Path, convert: Callable[[Image.Image], Array]) -> Array:
    try:
        with Image.open(path, formats=("PNG", "JPEG")) as image:
            if image.width * image.height > MAXIMUM_PIXELS:
                raise ValueError(f"{image.width} × {image.height} pixels")
            return convert(image)
    except (*DAMAGE, Image.DecompressionBombError) as damage:
        raise _unreadable(path, str(damage)) from damage


def _unreadable(path: Path, why: str) -> UserError:
    return UserError(
        f"cannot read the picture {path}: {why}",
        "a whole PNG or JPEG of the same size as the others of its clip",
        "fetch this file of the benchmark again, or leave the sample out",
    )
