import numpy as np
import pytest
from scipy.ndimage import gaussian_filter

from fckd.data.flow import SMALLEST_SIDE, optical_flow
from fckd.data.forms import FASTEST_FLOW, FLOW_STEPS_PER_PIXEL
from fckd.errors import UserError

BORDER = 12
"""Pixels along the edges that are not held to anything: what comes in was not seen before."""


def texture(height, width):
    smooth = gaussian_filter(np.random.default_rng(0).normal(size=(height, width)), 2)
    return np.interp(smooth, [smooth.min(), smooth.max()], [0, 255]).astype(np.uint8)


def translated(right, down, frames=5, height=64, width=80):
    """Return (T, H, W): one texture, moved by so many pixels from each frame to the next."""
    room = max(abs(right), abs(down)) * frames
    whole = texture(height + 2 * room, width + 2 * room)
    return np.stack(
        [
            whole[room - down * time :, room - right * time :][:height, :width]
            for time in range(frames)
        ]
    )


def pixels_inside(flow):
    """Return the motion in pixels, away from the border."""
    return flow[1:, BORDER:-BORDER, BORDER:-BORDER] / FLOW_STEPS_PER_PIXEL


@pytest.mark.parametrize("motion", [(2, 0), (0, 2), (-3, 1), (4, -2), (0, 0)])
def test_a_moved_texture_gives_its_motion(motion):
    pixels = pixels_inside(optical_flow(translated(*motion), "here"))
    assert np.abs(pixels - motion).mean() < 0.1


def test_the_form_is_the_stored_one_and_the_first_frame_has_no_motion():
    flow = optical_flow(translated(2, 1), "here")
    assert flow.shape == (5, 64, 80, 2)
    assert flow.dtype == np.int8
    assert not flow[0].any()


def test_a_still_clip_has_no_motion_at_all():
    clip = np.broadcast_to(texture(48, 64), (4, 48, 64))
    assert not optical_flow(clip, "here").any()


def test_in_a_mirror_horizontal_motion_is_the_other_way_round():
    clip = translated(3, 1)
    flow = optical_flow(clip, "here")
    mirrored = optical_flow(clip[:, :, ::-1], "here")[:, :, ::-1]
    assert np.abs(pixels_inside(flow) * [-1, 1] - pixels_inside(mirrored)).mean() < 0.1


def test_grey_and_the_same_in_colour_give_the_same_motion():
    clip = translated(2, 1)
    colour = np.repeat(clip[..., None], 3, axis=-1)
    np.testing.assert_array_equal(optical_flow(colour, "here"), optical_flow(clip, "here"))


@pytest.mark.parametrize("motion", [(4, -4), (-4, 4)])
def test_what_is_too_fast_is_the_fastest_and_mirrors_exactly(motion, monkeypatch):
    monkeypatch.setattr("fckd.data.flow.FLOW_STEPS_PER_PIXEL", 100)
    flow = optical_flow(translated(*motion), "here")
    assert flow.min() == -FASTEST_FLOW
    assert flow.max() == FASTEST_FLOW


def test_one_frame_has_no_motion():
    assert not optical_flow(texture(32, 32)[None], "here").any()


@pytest.mark.parametrize("shape", [(15, 200), (200, 15), (15, 15), (1, 1)])
def test_frames_too_small_are_an_error_that_names_the_place(shape):
    with pytest.raises(UserError, match="clip 7"):
        optical_flow(np.zeros((3, *shape), np.uint8), "clip 7")


@pytest.mark.parametrize("longer", [SMALLEST_SIDE, 41, 300, 1000])
def test_the_smallest_frames_are_no_crash(longer):
    noise = np.random.default_rng(0).integers(0, 256, (3, SMALLEST_SIDE, longer), dtype=np.uint8)
    assert optical_flow(noise, "here").shape == (3, SMALLEST_SIDE, longer, 2)
    assert optical_flow(noise.swapaxes(1, 2), "here").shape == (3, longer, SMALLEST_SIDE, 2)
