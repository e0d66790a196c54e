"""A camera; here a video file stands for it, read by the same OpenCV."""

import numpy as np
import pytest

from fckd.config.corpus import RawSettings
from fckd.config.networks import NetworkSettings
from fckd.errors import UserError
from fckd.registry.stream import clips
from tests.data.videos import moving_square, write_video
from tests.registry.students import card

RGB = NetworkSettings(modality="rgb", network="video", width=8, frames=4, size=16)
FLOW = NetworkSettings(modality="flow", network="video", width=8, frames=4, size=16)


def known(network):
    return card(network=network, input_shape=(3, 4, 16, 16), raw=RawSettings(image_side=40))


@pytest.fixture
def film(tmp_path):
    write_video(tmp_path / "film.avi", moving_square(20, 80, 120))
    return str(tmp_path / "film.avi")


def test_clips_follow_one_another_by_half_a_window(film):
    found = list(clips(film, known(RGB), frames=8, every=4))
    assert [name for name, _ in found] == ["0-7", "4-11", "8-15", "12-19"]
    assert {clip.shape for _, clip in found} == {(8, 40, 60, 3)}
    np.testing.assert_array_equal(found[0][1][4:], found[1][1][:4])


def test_a_clip_looks_as_a_video_file_that_is_read_whole(film):
    from pathlib import Path

    from fckd.data.video import read_video

    whole = read_video(Path(film), 40)
    ((_, clip),) = clips(film, known(RGB), frames=20, every=20)
    difference = np.abs(clip.astype(int) - whole.astype(int))
    assert difference.mean() < 2


def test_flow_is_computed_of_the_clip(film):
    ((_, clip),) = clips(film, known(FLOW), frames=20, every=20)
    assert (clip.shape, clip.dtype) == ((20, 40, 60, 2), np.int8)
    assert clip[1:].any()


def test_a_camera_that_is_not_there_is_refused():
    with pytest.raises(UserError, match="camera 97 cannot be opened"):
        next(clips("97", known(RGB), frames=4, every=2))


def test_a_file_that_is_shorter_than_a_clip_is_refused(film):
    with pytest.raises(UserError, match="has only 20 frames") as caught:
        next(clips(film, known(RGB), frames=21, every=10))
    assert "smaller --window" in caught.value.remedy


def test_a_stream_that_ends_is_an_error_after_its_last_clip(film):
    watched = clips(f"file://{film}", known(RGB), frames=20, every=10)
    assert next(watched)[0] == "0-19"
    with pytest.raises(UserError, match=r"film\.avi ended after 20 frames"):
        next(watched)


def test_a_student_that_reads_no_pictures_of_a_camera_is_refused(film):
    with pytest.raises(UserError, match="a camera for a student that reads inertial"):
        next(clips(film, card(), frames=4, every=2))
