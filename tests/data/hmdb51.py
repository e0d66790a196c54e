"""A small HMDB51 in the official layout: every class, a few tiny clips with names as they are."""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from fckd.data.sources.hmdb51 import LISTS
from fckd.data.sources.hmdb51_splits import CLASSES
from tests.data.videos import moving_square, write_video

TITLES = ("Film_1", "Film_2", "Odd #1 (b) & c; [d]! + @~".replace(" ", ""), "The_{}_Show")
"""Two parts of one film, every sign that the real names hold, and a title with the action in it."""
CODES = ("112", "121", "211", "000")
"""The part of each title's clip in the three splits."""
FILMS = dict(zip(TITLES, CODES, strict=True))
THREE_FILMS = {"North": "112", "South": "121", "West": "211"}
"""In every split one film tests, and two are left to learn and to validate."""


def clip_name(title: str, action: str) -> str:
    return f"{title.format(action)}_{action}_u_nm_np1_ba_goo_0"


def write_lists(folder: Path, films: Mapping[str, str] = FILMS) -> None:
    """Write the 153 split lists, with the blank at the end of every line that they have."""
    folder.mkdir(parents=True)
    for action in CLASSES:
        for split in range(3):
            lines = [
                f"{clip_name(title, action)}.avi {code[split]} \n" for title, code in films.items()
            ]
            (folder / f"{action}_test_split{split + 1}.txt").write_text("".join(lines))


def write_hmdb51(folder: Path, nesting: str = "", films: Mapping[str, str] = FILMS) -> Path:
    """Write lists and clips below `folder`; all clips are links to one file."""
    write_lists(folder / LISTS, films)
    first = write_video(folder / "first", np.ascontiguousarray(moving_square(10, 32, 40)))
    for action in CLASSES:
        place = folder / nesting.format(action) / action
        place.mkdir(parents=True)
        for title in films:
            os.link(first, place / f"{clip_name(title, action)}.avi")
    return folder
