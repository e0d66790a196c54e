import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fckd.config.experiment import ViewSettings
from fckd.config.skeletons import KINECT_V1
from fckd.data.bodies import hip_center
from fckd.data.views import (
    EVALUATION,
    MIRRORED_SENSOR,
    View,
    read_images,
    read_inertial,
    read_skeleton,
    times,
    view_of,
)

STRONG = ViewSettings(count=16, crop=0.6, warp=0.95, shift=0.4, zoom=0.5, rotation=90, mirror=True)


def test_view_0_is_the_evaluation_view():
    assert view_of(STRONG, "a01", 0) == EVALUATION


def test_a_view_depends_on_seed_sample_and_number_and_on_nothing_else():
    view = view_of(STRONG, "a01", 3)
    assert view == view_of(STRONG, "a01", 3)
    other_seed = STRONG.model_copy(update={"seed": 1})
    others = [view_of(STRONG, "a01", 4), view_of(STRONG, "a02", 3), view_of(other_seed, "a01", 3)]
    assert view not in others


def test_settings_of_zero_give_the_evaluation_view():
    still = ViewSettings(crop=0, warp=0, shift=0, zoom=0, rotation=0)
    view = view_of(still, "a01", 5)
    assert (view.start, view.duration, view.warp, view.zoom) == (0, 1, (0, 0), 1)
    assert (view.mirror, view.shift, view.yaw, view.turn) == (False, (0, 0), 0, (0, 0, 0))


@given(number=st.integers(1, 10_000), frames=st.integers(4, 128))
def test_times_increase_within_the_clip_however_strong_the_warp(number, frames):
    view = view_of(STRONG, "a01", number)
    when = times(view, frames)
    assert (np.diff(when) > 0).all()
    assert when[0] > 0
    assert when[-1] < 1
    assert view.duration >= 1 - STRONG.crop


def test_the_evaluation_view_reads_every_frame_of_a_clip_of_the_same_length(skeleton):
    read = read_skeleton(skeleton, EVALUATION, len(skeleton))
    again = read_skeleton(skeleton * 2, EVALUATION, len(skeleton))
    centred = skeleton - skeleton[len(skeleton) // 2, hip_center(KINECT_V1)]
    ratio = np.linalg.norm(centred) / np.linalg.norm(read)
    np.testing.assert_allclose(np.moveaxis(read, 0, -1) * ratio, centred, atol=1e-5)
    np.testing.assert_allclose(read, again, atol=1e-5)


def test_a_skeleton_is_read_about_its_middle_hip_centre_in_spine_lengths(skeleton):
    read = read_skeleton(skeleton + np.array([5, -3, 9]), EVALUATION, 32)
    np.testing.assert_allclose(read, read_skeleton(skeleton, EVALUATION, 32), atol=1e-5)
    spine = np.linalg.norm(read[:, :, 1] - read[:, :, 3], axis=0)
    assert np.median(spine) == pytest.approx(1, abs=0.05)


def test_turning_a_skeleton_keeps_heights_and_distances(skeleton):
    still = read_skeleton(skeleton, EVALUATION, 16)
    turned = read_skeleton(skeleton, View(yaw=40), 16)
    np.testing.assert_allclose(turned[1], still[1], atol=1e-5)
    lengths = [np.linalg.norm(read[:, :, 0] - read[:, :, 7], axis=0) for read in (still, turned)]
    np.testing.assert_allclose(*lengths, rtol=1e-5)


def test_turning_the_sensor_keeps_the_length_of_its_vectors():
    inertial = np.random.default_rng(0).normal(size=(50, 6)).astype(np.float32)
    still = read_inertial(inertial, EVALUATION, 16)
    turned = read_inertial(inertial, View(turn=(10, -20, 5)), 16)
    assert not np.allclose(still, turned)
    for part in (slice(0, 3), slice(3, 6)):
        lengths = [np.linalg.norm(read[part], axis=0) for read in (still, turned)]
        np.testing.assert_allclose(*lengths, rtol=1e-5)


def test_mirroring_twice_is_no_change(skeleton):
    mirror = View(mirror=True)
    once = np.moveaxis(read_skeleton(skeleton, mirror, len(skeleton)), 0, -1)
    twice = read_skeleton(once, mirror, len(skeleton))
    np.testing.assert_allclose(twice, read_skeleton(skeleton, EVALUATION, len(skeleton)), atol=1e-5)
    np.testing.assert_array_equal(MIRRORED_SENSOR**2, 1)
    images = np.random.default_rng(0).integers(0, 256, (10, 16, 16), np.uint8)
    once = read_images(images, mirror, 10, 16)[0]
    np.testing.assert_array_equal(once, images[:, :, ::-1])
    np.testing.assert_array_equal(read_images(once, mirror, 10, 16)[0], images)


def test_a_mirrored_sensor_feels_what_the_mirrored_wrist_would():
    # the reflection of a rotating frame: angular velocity is a pseudovector
    reflect = np.diag([-1.0, 1, 1])
    rate, place = np.array([0.3, -0.7, 1.1]), np.array([0.4, 0.2, -0.5])
    velocity = np.cross(rate, place)
    np.testing.assert_allclose(
        np.cross(rate * MIRRORED_SENSOR[3:], reflect @ place), reflect @ velocity, atol=1e-6
    )


def marked_clip(modality, length):
    """Return a clip in which one value rises linearly from 0 to 1 over time."""
    ramp = (np.arange(length) + 0.5) / length
    if modality == "inertial":
        return np.tile(ramp[:, None], (1, 6))
    return np.tile(np.rint(255 * ramp).astype(np.uint8)[:, None, None], (1, 8, 8))


@pytest.mark.parametrize("number", range(1, 9))
def test_one_view_reads_every_modality_at_the_same_times(number):
    settings = ViewSettings(crop=0.5, warp=0.5, shift=0, zoom=0, rotation=0)
    view = view_of(settings, "a01", number)
    series = read_inertial(marked_clip("inertial", 260), view, 8)[0]
    images = read_images(marked_clip("depth", 100), view, 8, 8)[0, :, 0, 0] / 255
    np.testing.assert_allclose(series, times(view, 8), atol=2 / 260)
    np.testing.assert_allclose(images, series, atol=1 / 100 + 1 / 255)


def test_shift_moves_an_image_and_zoom_enlarges_it():
    images = np.zeros((8, 16, 16), np.uint8)
    images[:, 6:10, 6:10] = 200
    moved = read_images(images, View(shift=(0.25, 0.125)), 8, 16)[0, 0]
    assert (moved[10:14, 8:12] == 200).all()
    assert moved.sum() == images[0].sum()
    enlarged = read_images(images, View(zoom=2.0), 8, 16)[0, 0]
    assert (enlarged[4:12, 4:12] == 200).all()
    assert enlarged.sum() == 4 * images[0].sum()


@given(size=st.integers(16, 70), number=st.integers(0, 1000))
def test_a_uniform_image_stays_uniform_under_every_view(size, number):
    images = np.full((8, 20, 24), 77, np.uint8)
    read = read_images(images, view_of(STRONG, "a01", number), 4, size)
    assert read.shape == (1, 4, size, size)
    assert (read == 77).all()
