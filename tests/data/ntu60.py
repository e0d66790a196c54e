"""NTU RGB+D 60 as its archives unpack, with made-up people."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fckd.config.skeletons import KINECT_V2
from tests.data.figures import standing, walking_depth, write_png16
from tests.data.videos import moving_square, write_video

Body = tuple[str, NDArray[np.float64]]
"""The tracker's number of a body, and its joints (25, 3)."""


def skeleton_text(frames: Sequence[Sequence[Body]]) -> str:
    """Return a `.skeleton` file of the bodies of every frame."""
    lines = [f"{len(frames)}"]
    for bodies in frames:
        lines.append(f"{len(bodies)}")
        for number, pose in bodies:
            lines += [f"{number} 0 1 1 0 0 0 0.047 -0.229 2", f"{len(pose)}"]
            lines += [
                f"{x:.7g} {y:.7g} {z:.7g} 277.4 191.8 1036.7 519.3 -0.2 0.04 0.9 -0.06 2"
                for x, y, z in pose
            ]
    return "\r\n".join(lines) + "\r\n"


def one_person(frames: int = 12) -> list[list[Body]]:
    """Return the frames of one person."""
    return [[("72057594037944738", pose)] for pose in standing(KINECT_V2, frames)]


def write_clip(folder: Path, name: str) -> None:
    """Write every modality of one sample in the folders of the official archives."""
    skeletons = folder / "nturgb+d_skeletons"
    skeletons.mkdir(parents=True, exist_ok=True)
    (skeletons / f"{name}.skeleton").write_bytes(skeleton_text(one_person()).encode())
    write_video(folder / "nturgb+d_rgb" / f"{name}_rgb.avi", moving_square(14))
    write_video(folder / "nturgb+d_ir" / f"{name}_ir.avi", moving_square(13))
    for frame, image in enumerate(walking_depth(), start=1):
        write_png16(folder / "nturgb+d_depth_masked" / name / f"MDepth-{frame:08d}.png", image)
