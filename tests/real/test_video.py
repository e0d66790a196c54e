"""Two real videos, of two codecs in two containers; found beside the checkout."""

import numpy as np
import pytest

from fckd.data.flow import optical_flow
from fckd.data.forms import FLOW_STEPS_PER_PIXEL
from fckd.data.video import read_video
from fckd.errors import UserError
from tests.real.recordings import recordings

pytestmark = pytest.mark.real

VIDEOS = {"mmaction2_demo.mp4": 280, "mmaction2_test.avi": 164}
"""Frames of each."""


@pytest.fixture(params=VIDEOS)
def name(request):
    return request.param


@pytest.fixture
def path(name):
    return recordings("video-samples") / "video-samples" / name


def test_every_frame_is_read_and_shows_something(path, name):
    read = read_video(path, 84)
    assert len(read) == VIDEOS[name]
    assert min(read.shape[1:3]) == 84
    assert read.std(axis=(1, 2, 3)).min() > 5


def test_a_file_that_is_cut_off_is_refused(path, tmp_path):
    content = path.read_bytes()
    (tmp_path / "clip").write_bytes(content[: len(content) * 3 // 4])
    with pytest.raises(UserError, match="cannot read"):
        read_video(tmp_path / "clip", 84)


def test_people_move_by_less_than_a_few_pixels_a_frame(path):
    pixels = optical_flow(read_video(path, 84)[:40], str(path)) / FLOW_STEPS_PER_PIXEL
    speed = np.linalg.norm(pixels, axis=-1)
    assert np.median(speed.max(axis=(1, 2))[1:]) > 0
    assert np.median(speed) < 2
