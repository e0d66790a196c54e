"""One instant of one recording as a small picture, whatever the modality."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from fckd.config.networks import Modality
from fckd.config.skeletons import SkeletonLayout
from fckd.data.bodies import bodies_of, seen
from fckd.data.forms import Array

Colour = tuple[int, int, int]
Places = NDArray[np.floating]
"""(…, 2) pixels to the right and down."""

PAPER: Colour = (246, 248, 250)
FAINT: Colour = (203, 210, 217)
INK: Colour = (31, 41, 51)
LEFT: Colour = (217, 115, 13)
RIGHT: Colour = (43, 108, 176)
AXES: tuple[Colour, ...] = (RIGHT, LEFT, (47, 133, 90))
"""Of x, y and z."""
FAR: Colour = (190, 214, 238)
NEAR: Colour = (10, 40, 80)

OVERSAMPLING = 4
"""Lines are drawn so much larger and made small, which smooths them."""
MARGIN = 0.08
"""Of the side, around drawings."""
TYPICAL = 99
"""Percentile of motion that is drawn in full colour."""


def portrait(array: Array, modality: Modality, moment: float, side: int) -> Image.Image:
    """Return the recording at one instant, (side, side) pixels, RGB.

    Args:
        array: In stored form.
        modality: What it is of.
        moment: 0 is the beginning and 1 the end.
        side: Pixels.
    """
    return PAINTERS[modality](array, moment, side)


def _colour(frames: Array, moment: float, side: int) -> Image.Image:
    return _fitted(Image.fromarray(_at(frames, moment)), side)


def _brightness(frames: Array, moment: float, side: int) -> Image.Image:
    return _fitted(Image.fromarray(_at(frames, moment)).convert("RGB"), side)


def _nearness(frames: Array, moment: float, side: int) -> Image.Image:
    """Paint what is near dark; nothing is paper."""
    palette = np.linspace(FAR, NEAR, 256).round().astype(np.uint8)
    palette[0] = PAPER
    return _fitted(Image.fromarray(palette[_at(frames, moment)]), side)


def _motion(frames: Array, moment: float, side: int) -> Image.Image:
    """Paint the direction of motion as hue and its speed as saturation; rest is white."""
    right, down = np.moveaxis(_at(frames, moment).astype(np.float32), -1, 0)
    fastest = max(float(np.percentile(np.abs(frames), TYPICAL)), 1.0)
    hue = np.rint((np.arctan2(down, right) / (2 * np.pi) % 1) * 255)
    saturation = np.clip(255 * np.hypot(right, down) / fastest, 0, 255)
    bands = [hue, saturation, np.full_like(hue, 255)]
    bands_as_images = [Image.fromarray(band.astype(np.uint8)) for band in bands]
    return _fitted(Image.merge("HSV", bands_as_images).convert("RGB"), side)


def _bodies(skeleton: Array, moment: float, side: int) -> Image.Image:
    """Draw bones, the left of a body in another colour, over the way of the hands."""
    bodies, layout = bodies_of(skeleton)
    there = seen(bodies)
    places = _placed(bodies[..., :2] * (1, -1), there, side * OVERSAMPLING)
    image = _empty(side * OVERSAMPLING)
    pen = ImageDraw.Draw(image)
    frame = _frame(len(skeleton), moment)
    for body in range(bodies.shape[1]):
        for hand in ("left_hand", "right_hand"):
            _line(pen, places[there[:, body], body, layout.index(hand)], FAINT)
        if there[frame, body]:
            _bones(pen, places[frame, body], layout)
    return _fitted(image, side)


def _bones(pen: ImageDraw.ImageDraw, places: Places, layout: SkeletonLayout) -> None:
    for child, parent in layout.bones:
        name = layout.joints[child]
        sides = {"left": LEFT, "right": RIGHT}
        _line(pen, places[[child, parent]], sides.get(name.partition("_")[0], INK))


def _placed(points: Places, there: NDArray[np.bool_], side: int) -> Places:
    """Return (T, bodies, joints, 2) pixels: what is there fills the picture but for a margin."""
    known = points[there]
    low, high = known.min(axis=(0, 1)), known.max(axis=(0, 1))
    extent = max(float((high - low).max()), 1e-6)
    centred: Places = (points - (low + high) / 2) / extent
    return side * (0.5 + (1 - 2 * MARGIN) * centred)


def _readings(series: Array, moment: float, side: int) -> Image.Image:
    """Draw acceleration above angular rate, each in its own range, and a line at the instant."""
    large = side * OVERSAMPLING
    image = _empty(large)
    pen = ImageDraw.Draw(image)
    margin, room = MARGIN * large, (1 - 2 * MARGIN) * large
    now = margin + moment * room
    _line(pen, np.array([[now, margin], [now, large - margin]]), FAINT)
    across = margin + np.linspace(0, room, len(series))
    for number, sensor in enumerate((series[:, :3], series[:, 3:])):
        low, high = float(sensor.min()), float(sensor.max())
        height = room * 0.46
        bottom = margin + number * room * 0.54 + height
        down = bottom - height * (sensor - low) / max(high - low, 1e-6)
        for axis, colour in enumerate(AXES):
            _line(pen, np.stack([across, down[:, axis]], axis=-1), colour, 0.5)
    return _fitted(image, side)


PAINTERS: dict[Modality, Callable[[Array, float, int], Image.Image]] = {
    Modality.SKELETON: _bodies,
    Modality.INERTIAL: _readings,
    Modality.DEPTH: _nearness,
    Modality.RGB: _colour,
    Modality.INFRARED: _brightness,
    Modality.FLOW: _motion,
}


def _frame(length: int, moment: float) -> int:
    return min(int(moment * length), length - 1)


def _at(frames: Array, moment: float) -> Array:
    return np.ascontiguousarray(frames[_frame(len(frames), moment)])


def _line(pen: ImageDraw.ImageDraw, places: Places, colour: Colour, thickness: float = 1.0) -> None:
    if len(places) > 1:
        width = round(thickness * 2 * OVERSAMPLING)
        pen.line([tuple(place) for place in places.tolist()], colour, width, joint="curve")


def _empty(side: int) -> Image.Image:
    return Image.new("RGB", (side, side), PAPER)


def _fitted(image: Image.Image, side: int) -> Image.Image:
    """Return the whole image in the middle of a square of paper."""
    scale = side / max(image.size)
    width, height = (max(1, round(length * scale)) for length in image.size)
    tile = _empty(side)
    resized = image.resize((width, height), Image.Resampling.LANCZOS)
    tile.paste(resized, ((side - width) // 2, (side - height) // 2))
    return tile
