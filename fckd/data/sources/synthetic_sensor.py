"""An inertial sensor on the right wrist of the figure."""

import numpy as np
from scipy.spatial.transform import Rotation

from fckd.data.sources.synthetic_figure import Points, joint

GRAVITY = 9.81
ACCELERATION_NOISE = 0.04
"""g"""
ROTATION_NOISE = 6.0
"""degrees per second"""

REST = np.array([0.35, -0.9, -0.25])
"""Direction of the forearm in which the sensor's axes are the body's. Its opposite, inward, up and
backward, is where the orientation would be undefined: no arm goes there."""


def sensor_readings(
    points: Points, rate: float, mount: Rotation, random: np.random.Generator
) -> Points:
    """Return what the sensor says.

    Args:
        points: (T, 20, 3) metres, `rate` instants a second.
        rate: Hertz.
        mount: How the sensor sits on this person's wrist.
        random: For the noise.

    Returns:
        (T, 6): acceleration with gravity in g, angular rate in degrees per second.
    """
    wrist, elbow = (
        points[:, joint("right_wrist")],
        points[:, joint("right_elbow")],
    )
    orientation = _turn_from_rest(wrist - elbow) * mount
    acceleration = np.gradient(np.gradient(wrist, axis=0), axis=0) * rate**2 / GRAVITY
    acceleration[:, 1] += 1
    felt = orientation.inv().apply(acceleration)
    steps = (orientation[:-1].inv() * orientation[1:]).as_rotvec(degrees=True) * rate
    turning = np.concatenate([steps, steps[-1:]])
    noise = random.normal(size=(len(points), 6))
    noise *= np.repeat([ACCELERATION_NOISE, ROTATION_NOISE], 3)
    return np.concatenate([felt, turning], axis=1) + noise


def _turn_from_rest(forearm: Points) -> Rotation:
    """Return the smallest rotations that turn the direction at rest into the forearm's."""
    direction = forearm / np.linalg.norm(forearm, axis=1, keepdims=True)
    rest = REST / np.linalg.norm(REST)
    axis = np.cross(rest, direction)
    sine = np.linalg.norm(axis, axis=1, keepdims=True)
    angle = np.arctan2(sine, (direction @ rest)[:, None])
    return Rotation.from_rotvec(axis / np.maximum(sine, 1e-9) * angle)
