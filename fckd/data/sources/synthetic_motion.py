"""Twelve actions as movements of hands, feet and trunk, before anybody performs them.

Hands and feet are given as offsets (outward, up, forward): outward is to the performer's own side,
so that either side can lead. Hands are measured from the shoulder in arm lengths, feet from where
they stand in leg lengths.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Series = NDArray[np.float64]

LEADING, OTHER = 0, 1

ARM_AT_REST = np.array([0.1, -0.93, 0.1])


@dataclass
class Pose:
    """T instants of a movement.

    Attributes:
        hands: (T, 2, 3), the leading hand first.
        feet: (T, 2, 3), the leading foot first.
        lean: (T,) radians, of the trunk forward.
        twist: (T,) radians, of the trunk towards the other side.
        drop: (T,) leg lengths, of the hips.
    """

    hands: Series
    feet: Series
    lean: Series
    twist: Series
    drop: Series


@dataclass(frozen=True)
class Beat:
    """The course of a performance at T instants.

    Attributes:
        active: (T,) from 0 (standing) to 1 (in the movement) and back.
        phase: (T,) radians since the movement began; 2 pi is one repetition.
        share: (T,) of the movement that is over, 0 to 1.
        amplitude: About 1; how large this person moves today.
    """

    active: Series
    phase: Series
    share: Series
    amplitude: float

    @property
    def stroke(self) -> Series:
        """From 0 to 1 and back in every repetition."""
        stroke: Series = self.active * (1 - np.cos(self.phase)) / 2
        return stroke


@dataclass(frozen=True)
class Action:
    """A class of the corpus: its name, how often a performance repeats it, and the movement."""

    name: str
    repetitions: tuple[int, int]
    move: Callable[[Pose, Beat], None]


def standing(length: int) -> Pose:
    """Return `length` instants of standing still."""
    hands = np.tile(ARM_AT_REST, (length, 2, 1))
    still = np.zeros(length)
    return Pose(hands, np.zeros((length, 2, 3)), still, still.copy(), still.copy())


def _guide(pose: Pose, beat: Beat, side: int, goal: Series) -> None:
    """Lead a hand from rest to `goal` ((3,) or (T, 3)) while the movement is active."""
    rest = pose.hands[:, side]
    pose.hands[:, side] = rest + beat.active[:, None] * (goal - rest)


def _between(start: list[float], stop: list[float], amount: Series) -> Series:
    first, last = np.array(start), np.array(stop)
    path: Series = first + amount[:, None] * (last - first)
    return path


def _through(points: list[list[float]], share: Series) -> Series:
    """Return (T, 3): through `points` in equal times, at rest in each of them."""
    place = share * (len(points) - 1)
    index = np.minimum(place.astype(int), len(points) - 2)
    return _rows(points, index, smooth(place - index))


def _rows(points: list[list[float]], index: NDArray[np.int_], amount: Series) -> Series:
    table = np.array(points)
    rows: Series = table[index] + amount[:, None] * (table[index + 1] - table[index])
    return rows


def smooth(amount: Series) -> Series:
    """Return 0..1 for 0..1 with no speed and no acceleration at either end."""
    amount = np.clip(amount, 0, 1)
    eased: Series = amount**3 * (10 - 15 * amount + 6 * amount**2)
    return eased


def _wave(pose: Pose, beat: Beat) -> None:
    sway = 0.28 * beat.amplitude * np.sin(beat.phase)
    still = np.zeros_like(sway)
    _guide(pose, beat, LEADING, np.stack([0.4 + sway, 0.62 + still, 0.25 + still], axis=1))


def _clap(pose: Pose, beat: Beat) -> None:
    apart = (1 + np.cos(beat.phase)) / 2 * beat.amplitude
    for side in (LEADING, OTHER):
        _guide(pose, beat, side, _between([-0.29, -0.05, 0.62], [0.15, -0.05, 0.55], apart))


def _punch(pose: Pose, beat: Beat) -> None:
    for side in (LEADING, OTHER):
        _guide(pose, beat, side, np.array([0.05, -0.3, 0.3]))
    thrust = _between([0.05, -0.3, 0.3], [-0.2, 0.02, 0.97], beat.stroke * beat.amplitude)
    _guide(pose, beat, LEADING, thrust)
    pose.twist += 0.35 * beat.stroke


def _throw(pose: Pose, beat: Beat) -> None:
    course = [[0.1, -0.8, 0.2], [0.4, 0.45, -0.35], [0.0, 0.35, 0.85], [-0.2, -0.5, 0.5]]
    _guide(pose, beat, LEADING, _through(course, beat.share))
    pose.twist += 0.5 * beat.amplitude * beat.active * np.sin(2 * np.pi * (beat.share - 0.4))


def _kick(pose: Pose, beat: Beat) -> None:
    reach = beat.stroke * beat.amplitude
    pose.feet[:, LEADING] = reach[:, None] * np.array([0.0, 0.38, 0.62])
    pose.lean -= 0.15 * reach
    _guide(pose, beat, OTHER, np.array([0.35, -0.75, 0.2]))


def _squat(pose: Pose, beat: Beat) -> None:
    depth = beat.stroke * beat.amplitude
    pose.drop += 0.42 * depth
    pose.lean += 0.35 * depth
    for side in (LEADING, OTHER):
        _guide(pose, beat, side, _between([0.1, -0.9, 0.15], [0.0, -0.1, 0.85], beat.stroke))


def _bow(pose: Pose, beat: Beat) -> None:
    pose.lean += 1.0 * beat.stroke * beat.amplitude


def _jumping_jack(pose: Pose, beat: Beat) -> None:
    reach = beat.stroke * beat.amplitude
    angle = 2.4 * reach
    arc = np.stack([0.1 + 0.85 * np.sin(angle), -0.93 * np.cos(angle), 0.1 + 0 * angle], axis=1)
    for side in (LEADING, OTHER):
        _guide(pose, beat, side, arc)
        pose.feet[:, side, 0] = 0.28 * reach


def _circle(pose: Pose, beat: Beat) -> None:
    radius = 0.3 * beat.amplitude
    across, up = radius * np.cos(beat.phase), radius * np.sin(beat.phase)
    _guide(pose, beat, LEADING, np.stack([across, 0.12 + up, 0.65 + 0 * up], axis=1))


def _swipe(pose: Pose, beat: Beat) -> None:
    course = [[0.1, -0.6, 0.3], [0.7, 0.02, 0.45], [-0.5, 0.02, 0.6], [-0.2, -0.6, 0.3]]
    _guide(pose, beat, LEADING, _through(course, beat.share))
    pose.twist += 0.3 * beat.active * np.sin(2 * np.pi * (beat.share - 0.3))


def _push(pose: Pose, beat: Beat) -> None:
    thrust = beat.stroke * beat.amplitude
    for side in (LEADING, OTHER):
        _guide(pose, beat, side, _between([0.05, -0.2, 0.3], [-0.05, 0.0, 0.97], thrust))
    pose.lean += 0.15 * thrust


def _pick_up(pose: Pose, beat: Beat) -> None:
    depth = beat.stroke * beat.amplitude
    pose.lean += 0.95 * depth
    pose.drop += 0.25 * depth
    _guide(pose, beat, LEADING, _between([0.1, -0.9, 0.2], [-0.15, -0.8, 0.55], depth))


ACTIONS = (
    Action("wave", (2, 3), _wave),
    Action("clap", (2, 4), _clap),
    Action("punch", (1, 2), _punch),
    Action("throw", (1, 1), _throw),
    Action("kick", (1, 1), _kick),
    Action("squat", (1, 1), _squat),
    Action("bow", (1, 1), _bow),
    Action("jumping jack", (1, 2), _jumping_jack),
    Action("circle", (1, 2), _circle),
    Action("swipe", (1, 1), _swipe),
    Action("push", (1, 2), _push),
    Action("pick up", (1, 1), _pick_up),
)
