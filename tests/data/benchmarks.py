"""Every benchmark with all its modalities, in its official layout and as small as can be learnt."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np

from fckd.config.networks import Modality
from fckd.data.sources.utd_mhad import PERFORMANCES, raw_name
from tests.data import n_ucla, ntu60
from tests.data.hmdb51 import THREE_FILMS, write_hmdb51
from tests.data.videos import moving_square, write_video


def benchmark_writers(data: Path, utd_files: Path) -> dict[str, Callable[[], object]]:
    """Return by source what writes it below `data`; `utd_files` is the fixture of that name."""
    return {
        "utd-mhad": lambda: write_utd(data / "utd-mhad", utd_files),
        "n-ucla": lambda: write_n_ucla(data / "n-ucla"),
        "ntu60": lambda: write_ntu60(data / "ntu60"),
        "hmdb51": lambda: write_hmdb51(data / "hmdb51", films=THREE_FILMS),
    }


def write_utd(folder, utd):
    """Link the made-up arrays, and a video for every performance."""
    (folder / "RGB").mkdir(parents=True)
    for path in utd.rglob("*.mat"):
        (folder / path.parent.name).mkdir(exist_ok=True)
        os.link(path, folder / path.parent.name / path.name)
    first = write_video(folder / "first", np.ascontiguousarray(moving_square(6, 32, 40)))
    for performance in PERFORMANCES:
        os.link(first, folder / "RGB" / raw_name(performance, Modality.RGB))


def write_n_ucla(folder):
    for view in (1, 2, 3):
        for action in (1, 12):
            n_ucla.write_raw_clip(folder, view, f"a{action:02d}_s01_e00")


def write_ntu60(folder):
    for subject in (1, 2, 3):
        for action in (1, 60):
            ntu60.write_clip(folder, f"S001C001P{subject:03d}R001A{action:03d}")
