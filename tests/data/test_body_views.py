"""Skeletons of two bodies and of other sensors, under views."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fckd.config.experiment import ViewSettings
from fckd.config.skeletons import KINECT_V1, KINECT_V2, LAYOUTS
from fckd.data.bodies import hip_center, spine_length
from fckd.data.views import EVALUATION, View, read_skeleton, view_of
from tests.data.figures import standing

STRONG = ViewSettings(count=16, crop=0.6, warp=0.95, rotation=90, mirror=True)

each_layout = pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)


def pair(layout, frames=12):
    return np.concatenate(
        [standing(layout, frames, 0.1, 0.0), standing(layout, frames, 0.2, 1.0)], axis=1
    ).astype(np.float32)


@each_layout
def test_two_bodies_are_read_about_the_hip_centre_of_the_first(layout):
    skeleton = pair(layout)
    read = np.moveaxis(read_skeleton(skeleton, EVALUATION, 12), 0, -1)
    origin = skeleton[6, hip_center(layout)]
    np.testing.assert_allclose(
        read * spine_length(skeleton), skeleton - origin, atol=1e-5
    )  # the second body keeps its place beside the first


@each_layout
def test_a_mirror_swaps_the_sides_of_each_body_but_not_the_bodies(layout):
    joints = len(layout.joints)
    skeleton = pair(layout)
    read = read_skeleton(skeleton, EVALUATION, 12)
    mirrored = read_skeleton(skeleton, View(mirror=True), 12)
    for body in range(2):
        for name in ("left_hand", "right_knee", "head"):
            here = body * joints + layout.index(name)
            there = body * joints + layout.mirrored[layout.index(name)]
            np.testing.assert_allclose(mirrored[0, :, here], -read[0, :, there], atol=1e-6)
            np.testing.assert_allclose(mirrored[1:, :, here], read[1:, :, there], atol=1e-6)


@given(number=st.integers(1, 1000), frames=st.integers(4, 40))
def test_a_body_that_is_never_there_stays_zeros_under_every_view(number, frames):
    skeleton = pair(KINECT_V2)
    skeleton[:, 25:] = 0
    read = read_skeleton(skeleton, view_of(STRONG, "a01", number), frames)
    assert read.shape == (3, frames, 50)
    assert not read[:, :, 25:].any()
    alone = read_skeleton(skeleton[:, :25], view_of(STRONG, "a01", number), frames)
    np.testing.assert_array_equal(read[:, :, :25], alone)


@given(number=st.integers(0, 1000), gaps=st.sets(st.integers(0, 11), max_size=11))
def test_a_body_between_frames_is_there_or_not_but_never_half_way_to_zero(number, gaps):
    skeleton = np.repeat(standing(KINECT_V1, 1), 12, axis=0).astype(np.float32)
    skeleton[sorted(gaps)] = 0
    read = read_skeleton(skeleton, view_of(STRONG, "a01", number), 24)
    still = read_skeleton(np.delete(skeleton, sorted(gaps), axis=0)[:1], EVALUATION, 1)
    heights = np.sort(still[1, 0])  # a mirror exchanges joints
    for frame in read[1]:
        assert not frame.any() or np.allclose(np.sort(frame), heights, atol=1e-5)


def test_the_middle_is_the_nearest_frame_in_which_the_first_body_is_there():
    skeleton = standing(KINECT_V1, 11).astype(np.float32)
    skeleton[4:8] = 0
    read = np.moveaxis(read_skeleton(skeleton, EVALUATION, 11), 0, -1)
    assert not read[4:8].any()
    np.testing.assert_allclose(read[3, hip_center(KINECT_V1)], 0, atol=1e-6)


def test_a_single_frame_is_read_at_every_time():
    skeleton = standing(KINECT_V1, 1).astype(np.float32)
    read = read_skeleton(skeleton, EVALUATION, 8)
    assert (read == read[:, :1]).all()
    assert read.any()
