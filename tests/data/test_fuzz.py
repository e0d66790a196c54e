"""Altered raw files: read in the promised form or refused in one error, never anything else.

Some examples by default; `pytest -m long` tries ten thousand of every format.
"""

import random
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fckd.config.networks import Modality
from fckd.data.forms import FORMS
from fckd.data.sources import read_recording_file
from fckd.errors import UserError
from tests.data import n_ucla, ntu60
from tests.data.figures import walking_depth, write_jpeg, write_png16
from tests.data.videos import moving_square


def write_skeleton(folder):
    path = folder / "x.skeleton"
    path.write_text(ntu60.skeleton_text(ntu60.one_person(2)))
    return path


def write_json(folder):
    return n_ucla.write_json_clip(folder, "a01_s01_e00_v01", frames=2)


def write_text(folder):
    clip = n_ucla.write_raw_clip(folder, 1, "a01_s01_e00", frames=1)
    return min(clip.glob("*_skeletons.txt"))


def write_depth(folder):
    path = folder / "S001C001P001R001A001" / "MDepth-00000001.png"
    write_png16(path, walking_depth(1)[0])
    return path


def write_colours(folder):
    path = folder / "a01_s01_e00" / "frame_0_tc_0_rgb.jpg"
    write_jpeg(path, moving_square(1)[0])
    return path


FORMATS = {
    "ntu60 skeleton": (write_skeleton, "ntu60", Modality.SKELETON, False),
    "n-ucla json": (write_json, "n-ucla", Modality.SKELETON, False),
    "n-ucla text": (write_text, "n-ucla", Modality.SKELETON, True),
    "ntu60 depth": (write_depth, "ntu60", Modality.DEPTH, True),
    "n-ucla colours": (write_colours, "n-ucla", Modality.RGB, True),
}
"""How a whole file is written, of which source and modality, and whether its folder is read."""

LITERALS = [
    b"-1",
    b"0",
    b"99999999999",
    b"1e999",
    b"nan",
    b"null",
    b"[",
    b"]",
    b"\n",
    b"\0",
    b"\xff",
]

edits = st.lists(
    st.tuples(
        st.floats(0, 1),
        st.one_of(st.binary(min_size=1, max_size=4), st.sampled_from(LITERALS)),
        st.integers(0, 40),
    ),
    min_size=1,
    max_size=6,
)


def altered(whole: bytes, edits) -> bytes:
    """Return `whole` with pieces replaced, put in (0 bytes taken) or cut out."""
    for place, piece, taken in edits:
        start = int(place * len(whole))
        whole = whole[:start] + (piece if taken < 30 else b"") + whole[start + taken % 30 :]
    return whole


def read_or_refused(name: str, path: Path, whole: bytes, edits) -> None:
    _, source, modality, of_folder = FORMATS[name]
    path.write_bytes(altered(whole, edits))
    try:
        array = read_recording_file(source, modality, path.parent if of_folder else path)
    except UserError:
        return
    assert FORMS[modality].fits(array.shape)
    assert array.dtype == FORMS[modality].dtype
    assert np.isfinite(array).all()


def random_edits(chance: random.Random) -> list[tuple[float, bytes, int]]:
    """Return edits as hypothesis draws them, a hundred times as fast."""
    pieces = [chance.randbytes(chance.randint(1, 4)), chance.choice(LITERALS)]
    return [
        (chance.random(), chance.choice(pieces), chance.randint(0, 40))
        for _ in range(chance.randint(1, 6))
    ]


@pytest.mark.parametrize("name", FORMATS)
def test_an_altered_file_is_read_or_refused(name, tmp_path):
    path = FORMATS[name][0](tmp_path)
    whole = path.read_bytes()

    @settings(max_examples=150)
    @given(edits=edits)
    def examples(edits):
        read_or_refused(name, path, whole, edits)

    examples()


@pytest.mark.long
@pytest.mark.parametrize("name", FORMATS)
def test_ten_thousand_altered_files_are_read_or_refused(name, tmp_path):
    path = FORMATS[name][0](tmp_path)
    whole = path.read_bytes()
    chance = random.Random(0)
    for _ in range(10_000):
        read_or_refused(name, path, whole, random_edits(chance))
