"""Views: the finite set of deterministic geometric readings of a sample.

View 0 is the evaluation view: everything, unchanged. Every modality of a sample is read through
the same view, so that what a teacher says of one modality fits what a student sees of another.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from fckd.config.experiment import ViewSettings
from fckd.data.bodies import bodies_of, hip_center, seen, spine_length
from fckd.data.forms import FASTEST_FLOW, Array
from fckd.data.frames import Frames
from fckd.data.resampling import Window, resample

Reading = NDArray[np.float32]

DEGREES_PER_SECOND = 250.0
"""Angular rate that is read as 1."""

MIRRORED_SENSOR = np.array([-1, 1, 1, 1, -1, -1], dtype=np.float32)
"""A mirror turns x of a vector, but y and z of an angular rate."""


@dataclass(frozen=True)
class View:
    """One geometric reading; the defaults are the evaluation view.

    Attributes:
        start: Where the time window begins, as a share of the duration.
        duration: How long it is, as a share of the duration.
        warp: Weights of a half and a whole wave in the course of time; their absolute values add
            up to less than 1.
        mirror: Whether left and right are exchanged.
        shift: Rows and columns by which an image is moved, as shares of its size.
        zoom: Factor by which an image is enlarged.
        yaw: Degrees by which a skeleton is turned about the vertical.
        turn: Rotation vector, in degrees, by which the sensor's axes are turned.
    """

    start: float = 0.0
    duration: float = 1.0
    warp: tuple[float, float] = (0.0, 0.0)
    mirror: bool = False
    shift: tuple[float, float] = (0.0, 0.0)
    zoom: float = 1.0
    yaw: float = 0.0
    turn: tuple[float, float, float] = (0.0, 0.0, 0.0)


EVALUATION = View()


def view_of(settings: ViewSettings, sample_id: str, number: int) -> View:
    """Return view `number` of a sample; the same in every process and every run."""
    if number == 0:
        return EVALUATION
    name = f"{settings.seed}/{sample_id}/{number}".encode()
    random = np.random.default_rng(int.from_bytes(hashlib.sha256(name).digest()[:16]))
    cut = random.uniform(0, settings.crop)
    strength, share = random.uniform(-settings.warp, settings.warp), random.uniform()
    down, right = random.uniform(-settings.shift, settings.shift, 2)
    axis = random.normal(size=3)
    axis *= random.uniform(0, settings.rotation) / np.linalg.norm(axis)
    return View(
        start=random.uniform(0, cut),
        duration=1 - cut,
        warp=(strength * share, strength * (1 - share) * random.choice([-1, 1])),
        mirror=bool(settings.mirror and random.random() < 0.5),
        shift=(down, right),
        zoom=random.uniform(1 - settings.zoom, 1 + settings.zoom),
        yaw=random.uniform(-settings.rotation, settings.rotation),
        turn=(axis[0], axis[1], axis[2]),
    )


def times(view: View, frames: int) -> NDArray[np.float64]:
    """Return (frames,) increasing times within 0..1, the middles of equal parts before the warp."""
    even = (np.arange(frames) + 0.5) / frames
    half, whole = view.warp
    warped = even + half * np.sin(np.pi * even) / np.pi
    warped += whole * np.sin(2 * np.pi * even) / (2 * np.pi)
    placed: NDArray[np.float64] = view.start + view.duration * warped
    return placed


def read_skeleton(skeleton: Array, view: View, frames: int) -> Reading:
    """Return (3, frames, J): in spine lengths about the first body's hip centre.

    The hip centre is that of the middle frame, or of the frame next to it in which the first body
    is there; the other body keeps its place relative to it. A body that is not there is zeros.

    Args:
        skeleton: (T, J, 3) float32, J = bodies × joints of a known layout.
        view: The reading.
        frames: Time steps to read.
    """
    bodies, layout = bodies_of(skeleton)
    there = seen(bodies)
    middle = _nearest_to_middle(there[:, 0])
    centred = (bodies - bodies[middle, 0, hip_center(layout)]) / spine_length(skeleton)
    read = _bodies_at(centred, there, times(view, frames))
    if view.mirror:
        read = read[:, :, layout.mirrored] * np.array([-1, 1, 1])
    if view.yaw:
        read = read @ Rotation.from_rotvec([0, view.yaw, 0], degrees=True).as_matrix().T
    in_order = np.moveaxis(read.reshape(frames, -1, 3), -1, 0)
    return np.ascontiguousarray(in_order, dtype=np.float32)


def read_inertial(inertial: Array, view: View, frames: int) -> Reading:
    """Return (6, frames): acceleration in g, angular rate in 250 degrees per second.

    Args:
        inertial: (T, 6) float32.
        view: The reading.
        frames: Time steps to read.
    """
    read = _interpolated(inertial, times(view, frames))
    read[:, 3:] /= DEGREES_PER_SECOND
    if view.mirror:
        read *= MIRRORED_SENSOR
    if any(view.turn):
        turn = Rotation.from_rotvec(view.turn, degrees=True).as_matrix().T
        read = np.concatenate([read[:, :3] @ turn, read[:, 3:] @ turn], axis=1)
    return np.ascontiguousarray(read.T, dtype=np.float32)


def read_images(images: Frames, view: View, frames: int, size: int) -> NDArray[np.uint8]:
    """Return (channels, frames, size, size) uint8: the nearest frames, resampled by area.

    Args:
        images: (T, H, W) or (T, H, W, channels) uint8.
        view: The reading.
        frames: Time steps to read.
        size: Height and width to read.
    """
    return np.rint(_resampled(images, view, frames, size)).astype(np.uint8)


def read_flow(flow: Frames, view: View, frames: int, size: int) -> NDArray[np.int8]:
    """Return (2, frames, size, size) int8: motion to the right and down as the view shows it.

    In a mirror what moves right moves left, and what is enlarged moves farther.

    Args:
        flow: (T, H, W, 2) int8, in the unit of the stored form.
        view: The reading.
        frames: Time steps to read.
        size: Height and width to read.
    """
    motion = _resampled(flow, view, frames, size) * view.zoom
    if view.mirror:
        motion[0] *= -1
    return np.asarray(np.clip(np.rint(motion), -FASTEST_FLOW, FASTEST_FLOW), np.int8)


def _resampled(images: Frames, view: View, frames: int, size: int) -> Reading:
    nearest = np.rint(_places(times(view, frames), len(images))).astype(np.int64)
    chosen = images[nearest]
    channels = chosen[None] if chosen.ndim == 3 else np.moveaxis(chosen, -1, 0)
    height, width = channels.shape[2:]
    rows = _window(height, view.shift[0], view.zoom)
    columns = _window(width, view.shift[1], view.zoom)
    if view.mirror:
        columns = columns[1], columns[0]
    return resample(channels, rows, columns, size)


def _window(length: int, shift: float, zoom: float) -> Window:
    middle, half = length * (0.5 - shift), length / zoom / 2
    return middle - half, middle + half


def _places(when: NDArray[np.float64], length: int) -> NDArray[np.float64]:
    """Return times 0..1 as places among `length` frames, each of which lasts 1/length."""
    return np.clip(when * length - 0.5, 0, length - 1)


def _interpolated(series: Array, when: NDArray[np.float64]) -> NDArray[np.float64]:
    first, second, part = _between(len(series), when)
    part = part[:, None]
    read: NDArray[np.float64] = series[first] * (1 - part) + series[second] * part
    return read


def _bodies_at(
    bodies: Array, there: NDArray[np.bool_], when: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return (frames, bodies, joints, 3) between frames; where one lacks a body, the nearer one.

    Args:
        bodies: (T, bodies, joints, 3).
        there: (T, bodies): whether a body is there.
        when: (frames,) times 0..1.
    """
    first, second, part = _between(len(bodies), when)
    part = np.where(there[first] & there[second], part[:, None], np.rint(part)[:, None])
    shown = np.where(part < 1, there[first], there[second])
    part = part[..., None, None]
    read: NDArray[np.float64] = bodies[first] * (1 - part) + bodies[second] * part
    return read * shown[..., None, None]


def _between(
    length: int, when: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Return for each time the frame before it, the one after, and how far it is between them."""
    places = _places(when, length)
    first = np.minimum(places.astype(np.int64), max(length - 2, 0))
    return first, np.minimum(first + 1, length - 1), places - first


def _nearest_to_middle(there: NDArray[np.bool_]) -> int:
    frames = np.flatnonzero(there)
    return int(frames[np.argmin(np.abs(frames - len(there) // 2))])
