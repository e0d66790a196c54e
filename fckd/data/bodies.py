"""Skeletons as bodies: which of them is there, where its middle is, how long its spine."""

import numpy as np
from numpy.typing import NDArray

from fckd.config.skeletons import SkeletonLayout, layout_of

Floats = NDArray[np.floating]


def bodies_of(skeleton: Floats) -> tuple[Floats, SkeletonLayout]:
    """Return stored joints (T, bodies × joints, 3) as (T, bodies, joints, 3), and the layout."""
    layout, bodies = layout_of(skeleton.shape[1])
    return skeleton.reshape(len(skeleton), bodies, len(layout.joints), 3), layout


def seen(bodies: Floats) -> NDArray[np.bool_]:
    """Return (T, bodies) bool: a body that is not there in a frame is zeros."""
    return np.asarray(bodies.any(axis=(2, 3)))


def hip_center(layout: SkeletonLayout) -> int:
    """Return the joint between the hips."""
    return layout.index(layout.parents["left_hip"])


def spine_length(skeleton: Floats) -> float:
    """Return the median distance of shoulder centre and hip centre of the first body, metres.

    Args:
        skeleton: (T, bodies × joints, 3).

    Returns:
        The median over the frames in which the first body is there; 0 if there are none.
    """
    bodies, layout = bodies_of(skeleton)
    first = bodies[seen(bodies)[:, 0], 0]
    if not len(first):
        return 0.0
    spine = first[:, layout.root] - first[:, hip_center(layout)]
    return float(np.median(np.linalg.norm(spine, axis=-1)))
