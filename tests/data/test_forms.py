import numpy as np
import pytest

from fckd.config.networks import Modality
from fckd.data.forms import FORMS, in_stored_form
from fckd.data.sources import read_recording_file
from fckd.errors import UserError
from tests.data.conftest import MADE


def series(*shape):
    return np.random.default_rng(0).normal(size=shape)


@pytest.mark.parametrize(
    ("array", "modality"),
    [
        (series(20, 19, 3), Modality.SKELETON),
        (series(0, 20, 3), Modality.SKELETON),
        (series(20, 60, 3), Modality.SKELETON),
        (np.zeros((20, 20, 3)), Modality.SKELETON),
        (series(20, 5), Modality.INERTIAL),
        (series(120), Modality.INERTIAL),
        (np.full((20, 6), np.nan), Modality.INERTIAL),
        (np.full((20, 6), 1e300), Modality.INERTIAL),
        (np.array([["a"] * 6] * 20), Modality.INERTIAL),
        (series(20, 6) + 1j, Modality.INERTIAL),
        (series(20, 16, 16), Modality.DEPTH),
        (np.zeros((20, 16, 16), np.uint16), Modality.DEPTH),
        (np.zeros((20, 0, 16), np.uint8), Modality.DEPTH),
        (np.zeros((20, 16, 16), np.uint8), Modality.RGB),
        (np.zeros((20, 16, 16, 4), np.uint8), Modality.RGB),
        (np.zeros((20, 16, 16, 1), np.uint8), Modality.INFRARED),
        (np.zeros((20, 16, 16, 3), np.uint8), Modality.FLOW),
        (np.zeros((20, 16, 16, 2), np.uint8), Modality.FLOW),
    ],
)
@pytest.mark.filterwarnings("ignore:overflow")
def test_what_is_not_in_stored_form_is_an_error_that_names_the_place(array, modality):
    with pytest.raises(UserError, match="here"):
        in_stored_form(array, modality, "here")


@pytest.mark.parametrize("modality", MADE)
def test_a_saved_array_is_read_back_unchanged(source, modality, tmp_path):
    array = source.read(source.recordings(())[0], modality)
    np.save(tmp_path / "clip.npy", array)
    read = read_recording_file("synthetic", modality, tmp_path / "clip.npy")
    np.testing.assert_array_equal(read, array)
    assert read.dtype == FORMS[modality].dtype


@pytest.mark.parametrize("content", [b"", b"not numpy", b"\x93NUMPY\x01\x00"])
def test_a_damaged_npy_is_an_error_that_names_the_file(tmp_path, content):
    (tmp_path / "clip.npy").write_bytes(content)
    with pytest.raises(UserError, match=r"clip\.npy"):
        read_recording_file("utd-mhad", Modality.SKELETON, tmp_path / "clip.npy")


def test_pickles_are_not_loaded(tmp_path):
    np.save(tmp_path / "clip.npy", np.array([{}]), allow_pickle=True)
    with pytest.raises(UserError, match=r"clip\.npy"):
        read_recording_file("synthetic", Modality.SKELETON, tmp_path / "clip.npy")


@pytest.mark.parametrize("source", ["synthetic", "utd-mhad"])
def test_an_absent_file_is_an_error_that_names_it(tmp_path, source):
    for name in ("clip.npy", "clip.mat"):
        with pytest.raises(UserError, match=name):
            read_recording_file(source, Modality.SKELETON, tmp_path / name)
