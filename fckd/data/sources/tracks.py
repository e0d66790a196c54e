"""What a body tracker saw, to a fixed number of bodies: those that move most."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from fckd.data.sources.base import NobodySeenError

Pose = NDArray[np.float64]
"""(joints, 3), metres."""
Track = dict[int, Pose]
"""Frame -> pose, in the order of time."""


def moving_bodies(tracked: Mapping[str, Mapping[int, Pose]], frames: int, most: int) -> Pose:
    """Return the bodies that move most as (frames, most × joints, 3); what is not there is zeros.

    A tracker that loses a person gives a new number to who is found again: a body that appears
    after another one has vanished continues that one.

    Args:
        tracked: Number of the body -> frame -> pose.
        frames: Of the clip.
        most: Bodies to keep, that of the largest motion first.

    Raises:
        NobodySeenError: No body in any frame.
    """
    tracks = sorted(_joined(tracked), key=_motion, reverse=True)[:most]
    if not tracks:
        raise NobodySeenError
    joints = len(next(iter(tracks[0].values())))
    bodies = np.zeros((frames, most, joints, 3))
    for place, track in enumerate(tracks):
        bodies[list(track), place] = list(track.values())
    return bodies.reshape(frames, most * joints, 3)


def _joined(tracked: Mapping[str, Mapping[int, Pose]]) -> list[Track]:
    tracks: list[Track] = []
    in_time = [dict(sorted(body.items())) for body in tracked.values() if body]
    for body in sorted(in_time, key=min):
        ended = [track for track in tracks if max(track) < min(body)]
        if ended:
            max(ended, key=max).update(body)
        else:
            tracks.append(body)
    return tracks


def _motion(track: Track) -> float:
    """Return how far the joints are from their mean places, in metres."""
    poses = np.stack(list(track.values()))
    return float(np.sum(np.mean(np.std(poses, axis=0), axis=0)))
