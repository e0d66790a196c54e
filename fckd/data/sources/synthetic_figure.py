"""The articulated figure: a body of given proportions that takes poses by inverse kinematics."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fckd.config.skeletons import KINECT_V1
from fckd.data.sources.synthetic_motion import LEADING, OTHER, Pose

joint = KINECT_V1.index

Points = NDArray[np.float64]

ELBOW_POINTS = np.array([0.5, -0.6, -0.6])
KNEE_POINTS = np.array([0.15, 0.1, 1.0])


@dataclass(frozen=True)
class Body:
    """Lengths in metres."""

    trunk: float
    neck: float
    upper_arm: float
    forearm: float
    hand: float
    thigh: float
    shin: float
    foot: float
    shoulders: float
    hips: float

    @property
    def arm(self) -> float:
        """From shoulder to wrist."""
        return self.upper_arm + self.forearm

    @property
    def leg(self) -> float:
        """From hip to ankle."""
        return self.thigh + self.shin


def random_body(random: np.random.Generator) -> Body:
    """Return an adult between about 1.55 and 1.95 metres."""
    height = random.normal(1.75, 0.09)
    arms, legs, breadth = random.normal(1, 0.035, 3)
    return Body(
        trunk=0.29 * height,
        neck=0.13 * height,
        upper_arm=0.172 * height * arms,
        forearm=0.157 * height * arms,
        hand=0.06 * height,
        thigh=0.245 * height * legs,
        shin=0.246 * height * legs,
        foot=0.09 * height,
        shoulders=0.215 * height * breadth,
        hips=0.115 * height * breadth,
    )


def joints_of(body: Body, pose: Pose, leads_right: bool) -> Points:
    """Return the joints of `body` in every instant of `pose`.

    Returns:
        (T, 20, 3) metres; x to the performer's right, y up, z backward; the floor is y = 0 and
        the performer stands above the origin.
    """
    length = len(pose.lean)
    points = np.zeros((length, len(KINECT_V1.joints), 3))
    hips = np.zeros((length, 3))
    hips[:, 1] = body.leg * (0.99 - pose.drop) + 0.06
    # a trunk that leans forward moves the hips backward: the figure stays above its feet
    hips[:, 2] = 0.3 * body.trunk * np.sin(pose.lean)
    across, up, forward = _trunk_axes(pose, leads_right)
    points[:, joint("hip_center")] = hips
    points[:, joint("spine")] = hips + 0.3 * body.trunk * up
    points[:, joint("shoulder_center")] = hips + body.trunk * up
    points[:, joint("head")] = hips + (body.trunk + body.neck) * up
    for side, name, sign in _sides(leads_right):
        _place_arm(points, body, pose.hands[:, side], name, (sign * across, up, forward))
        _place_leg(points, body, pose.feet[:, side], name, sign)
    return points


def _sides(leads_right: bool) -> tuple[tuple[int, str, float], ...]:
    right, left = (LEADING, OTHER) if leads_right else (OTHER, LEADING)
    return (right, "right", 1.0), (left, "left", -1.0)


def _trunk_axes(pose: Pose, leads_right: bool) -> tuple[Points, Points, Points]:
    """Return the trunk's directions across (to the right), up and forward, each (T, 3)."""
    twist = pose.twist if leads_right else -pose.twist
    zero = np.zeros_like(twist)
    across = np.stack([np.cos(twist), zero, -np.sin(twist)], axis=1)
    ahead = np.stack([-np.sin(twist), zero, -np.cos(twist)], axis=1)
    above = np.stack([zero, zero + 1, zero], axis=1)
    sine, cosine = np.sin(pose.lean)[:, None], np.cos(pose.lean)[:, None]
    return across, cosine * above + sine * ahead, cosine * ahead - sine * above


def _place_arm(
    points: Points, body: Body, offset: Points, side: str, axes: tuple[Points, Points, Points]
) -> None:
    outward, up, forward = axes
    shoulder = points[:, joint("shoulder_center")] + body.shoulders / 2 * outward - 0.05 * up
    target = shoulder + body.arm * _combine(offset, axes)
    bend = _combine(np.broadcast_to(ELBOW_POINTS, offset.shape), (outward, up, forward))
    elbow, wrist = _two_bones(shoulder, target, body.upper_arm, body.forearm, bend)
    points[:, joint(f"{side}_shoulder")] = shoulder
    points[:, joint(f"{side}_elbow")] = elbow
    points[:, joint(f"{side}_wrist")] = wrist
    points[:, joint(f"{side}_hand")] = wrist + body.hand * _unit(wrist - elbow)


def _place_leg(points: Points, body: Body, offset: Points, side: str, sign: float) -> None:
    length = len(offset)
    outward = np.broadcast_to([sign, 0.0, 0.0], (length, 3))
    up = np.broadcast_to([0.0, 1.0, 0.0], (length, 3))
    forward = np.broadcast_to([0.0, 0.0, -1.0], (length, 3))
    hip = points[:, joint("hip_center")] + body.hips / 2 * outward - 0.04 * up
    stand = body.hips * 0.65 * outward + 0.06 * up
    target = stand + body.leg * _combine(offset, (outward, up, forward))
    bend = _combine(np.broadcast_to(KNEE_POINTS, offset.shape), (outward, up, forward))
    knee, ankle = _two_bones(hip, target, body.thigh, body.shin, bend)
    points[:, joint(f"{side}_hip")] = hip
    points[:, joint(f"{side}_knee")] = knee
    points[:, joint(f"{side}_ankle")] = ankle
    points[:, joint(f"{side}_foot")] = ankle + body.foot * forward - 0.04 * up


def _combine(offset: Points, axes: tuple[Points, Points, Points]) -> Points:
    combined: Points = sum(
        (offset[:, number, None] * axis for number, axis in enumerate(axes)), np.zeros(3)
    )
    return combined


def _two_bones(
    root: Points, target: Points, first: float, second: float, bend: Points
) -> tuple[Points, Points]:
    """Return the middle and end joint of two bones from `root` that reach for `target`."""
    direction = _unit(target - root)
    distance = np.linalg.norm(target - root, axis=1, keepdims=True)
    distance = np.clip(distance, abs(first - second) + 0.02, 0.998 * (first + second))
    along = (first**2 - second**2 + distance**2) / (2 * distance)
    aside = np.sqrt(first**2 - along**2)
    sideways = _unit(bend - (bend * direction).sum(axis=1, keepdims=True) * direction)
    return root + along * direction + aside * sideways, root + distance * direction


def _unit(vectors: Points) -> Points:
    unit: Points = vectors / np.linalg.norm(vectors, axis=-1, keepdims=True)
    return unit
