"""Optical flow keeps its meaning under every view."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fckd.config.experiment import ViewSettings
from fckd.data.forms import FASTEST_FLOW, FLOW_STEPS_PER_PIXEL
from fckd.data.views import EVALUATION, View, read_flow, read_images, view_of

STRONG = ViewSettings(count=16, crop=0.6, warp=0.95, shift=0.4, zoom=0.5, mirror=True)


def uniform(right, down, frames=8, size=32):
    flow = np.zeros((frames, size, size, 2), np.int8)
    flow[..., 0], flow[..., 1] = right, down
    return flow


def test_a_mirror_turns_motion_to_the_right_into_motion_to_the_left():
    flow = uniform(20, 12)
    flow[:, :, :16, 0] = 40
    read = read_flow(flow, View(mirror=True), 8, 32)
    np.testing.assert_array_equal(read[0, :, :, 16:], -40)
    np.testing.assert_array_equal(read[0, :, :, :16], -20)
    np.testing.assert_array_equal(read[1], 12)


def test_what_is_enlarged_moves_farther():
    read = read_flow(uniform(20, -12), View(zoom=1.5), 8, 32)
    assert set(np.unique(read[0])) == {30}
    assert set(np.unique(read[1])) == {-18}


def test_a_shift_moves_the_field_but_not_its_vectors():
    flow = uniform(0, 0)
    flow[:, 8:16, 8:16] = 32
    read = read_flow(flow, View(shift=(0.25, 0.125)), 8, 32)
    assert (read[:, :, 16:24, 12:20] == 32).all()
    assert (read != 0).sum() == (flow != 0).sum()


@pytest.mark.parametrize("fastest", [FASTEST_FLOW, -FASTEST_FLOW])
def test_what_becomes_too_fast_is_the_fastest(fastest):
    read = read_flow(uniform(fastest, fastest), View(zoom=1.9), 8, 16)
    assert set(np.unique(read)) == {fastest}


@given(number=st.integers(0, 1000), size=st.integers(16, 48))
def test_no_motion_stays_no_motion_under_every_view(number, size):
    read = read_flow(uniform(0, 0), view_of(STRONG, "a01", number), 4, size)
    assert read.shape == (2, 4, size, size)
    assert not read.any()


@pytest.mark.parametrize("view", [EVALUATION, View(mirror=True), View(zoom=1.25), View(zoom=0.8)])
def test_flow_tells_how_the_images_of_the_same_view_move(view):
    """A square moves; its middle in the read images must move as the read flow says."""
    speed = 2  # pixels a frame
    images = np.zeros((8, 64, 64), np.uint8)
    for frame in range(8):
        images[frame, 24:40, 16 + speed * frame : 32 + speed * frame] = 255
    flow = uniform(0, 0, size=64)
    flow[images > 0, 0] = speed * FLOW_STEPS_PER_PIXEL
    shown, motion = read_images(images, view, 8, 64)[0], read_flow(flow, view, 8, 64)[0]
    columns = np.arange(64)
    middles = [(frame.sum(axis=0) * columns).sum() / frame.sum() for frame in shown.astype(float)]
    told = motion[shown > 200].mean() / FLOW_STEPS_PER_PIXEL
    assert np.diff(middles).mean() == pytest.approx(told, abs=0.15)
