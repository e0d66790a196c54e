"""The `.skeleton` text files of NTU RGB+D.

The number of frames; for every frame the number of bodies; for every body a line of ten fields
that begins with its number, a line with the number of joints (25), and for every joint twelve
numbers, of which the first three are x, y and z in metres (Shahroudy et al., CVPR 2016,
`shahroudy/NTURGB-D`).
"""

from collections import defaultdict
from pathlib import Path

from fckd.config.skeletons import KINECT_V2, MOST_BODIES
from fckd.data.forms import Array
from fckd.data.sources.base import NobodySeenError
from fckd.data.sources.text_lines import Lines
from fckd.data.sources.tracks import Track, moving_bodies
from fckd.errors import UserError

KIND = "a .skeleton file of NTU RGB+D: 25 joints for every body of every frame"
MOST_FRAMES = 100_000
MOST_TRACKED = 6
"""Bodies that a Kinect v2 follows at once."""


def read_skeleton_text(path: Path) -> Array:
    """Return one clip as (T, 50, 3): the two bodies that move most; who is not there is zeros.

    Raises:
        UserError: The file is damaged; names the line.
        NobodySeenError: No body in any frame.
    """
    lines = Lines(path, KIND)
    tracked: defaultdict[str, Track] = defaultdict(dict)
    frames = lines.count(MOST_FRAMES)
    for frame in range(frames):
        for _ in range(lines.count(MOST_TRACKED)):
            body = lines.words()[0]
            joints = lines.count(99)
            if joints != len(KINECT_V2.joints):
                raise UserError(
                    f"{path}, frame {frame + 1}: a body of {joints} joints",
                    KIND,
                    "fetch this file of the benchmark again, or leave the sample out",
                )
            tracked[body][frame] = lines.points(joints)
    lines.end()
    if not tracked:
        raise NobodySeenError
    return moving_bodies(tracked, frames, MOST_BODIES)
