"""Northwestern-UCLA as it is published, raw and as json, with made-up people."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fckd.config.skeletons import KINECT_V1
from fckd.data.sources.n_ucla_skeleton import KINECT_SDK
from tests.data.figures import standing, walking_depth, write_jpeg, write_png16
from tests.data.videos import moving_square

THEIR_ORDER = [KINECT_V1.index(joint) for joint in KINECT_SDK]
ACTION_IDS = (1, 2, 3, 4, 5, 6, 8, 9, 11, 12)


def skeleton_text(bodies: Sequence[tuple[int, NDArray[np.float64]]]) -> str:
    """Return the file of one frame: for each body its number, then (20, 3) in our order."""
    lines = []
    for number, pose in bodies:
        lines.append(f"{number}")
        lines += [f"{x:.6f},{y:.6f},{z:.6f},2" for x, y, z in pose[THEIR_ORDER]]
    return "\n".join(lines) + "\n" if lines else ""


def write_raw_clip(folder: Path, view: int, name: str, frames: int = 12) -> Path:
    """Write rgb, depth and skeletons of one clip; frames 0, 1, … so that 10 sorts before 2."""
    clip = folder / f"view_{view}" / name
    poses, colours, depths = standing(frames=frames), moving_square(frames), walking_depth(frames)
    for frame in range(frames):
        stem = f"frame_{frame}_tc_{33 * frame}"
        write_jpeg(clip / f"{stem}_rgb.jpg", colours[frame])
        write_png16(clip / f"frame_{frame}_tc_{33 * frame + 4}_depth.png", depths[frame])
        write_jpeg(clip / f"{stem}_depth_vis.jpg", colours[frame])
        (clip / f"{stem}_skeletons.txt").write_text(skeleton_text([(1, poses[frame])]))
    return clip


def write_json_clip(folder: Path, name: str, frames: int = 12) -> Path:
    """Write one json file of skeletons, labelled as its name says."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.json"
    content = {
        "file_name": name,
        "skeletons": standing(frames=frames)[:, THEIR_ORDER].tolist(),
        "label": ACTION_IDS.index(int(name[1:3])) + 1,
    }
    path.write_text(json.dumps(content))
    return path
