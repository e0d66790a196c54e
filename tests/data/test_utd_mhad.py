import os
import random
import shutil

import numpy as np
import pytest
from scipy.io import savemat

from fckd.config.corpus import CorpusSettings
from fckd.config.networks import Modality
from fckd.data.sources import open_source, read_recording_file
from fckd.data.sources.person_crop import crop_person
from fckd.data.sources.utd_mhad import CLASSES, PERFORMANCES
from fckd.errors import UserError

SETTINGS = CorpusSettings(source="utd-mhad", validation_subjects=(1,))
ALL = [Modality.SKELETON, Modality.INERTIAL, Modality.DEPTH]


def opened(data):
    return open_source(SETTINGS, data)


def test_there_are_861_recordings_of_27_actions_sorted_by_id(utd):
    recordings = opened(utd).recordings(ALL)
    ids = [recording.sample_id for recording in recordings]
    assert len(ids) == len(PERFORMANCES) == 861
    assert ids == sorted(ids)
    assert ids[0] == "a01_s01_t1"
    assert {recording.label for recording in recordings} == set(range(27))
    assert len(set(CLASSES)) == 27


def test_only_the_modalities_asked_for_need_be_there(utd):
    shutil.rmtree(utd / "utd-mhad" / "Depth")
    source = opened(utd)
    assert len(source.recordings([Modality.SKELETON, Modality.INERTIAL])) == 861
    with pytest.raises(UserError, match="lacks 861 of 861"):
        source.recordings([Modality.DEPTH])


def test_infrared_is_not_read(utd):
    with pytest.raises(UserError, match="infrared"):
        opened(utd).recordings([Modality.INFRARED])


def test_missing_files_are_listed_by_name(utd):
    for name in ("a1_s1_t1_inertial.mat", "a27_s8_t3_inertial.mat"):
        (utd / "utd-mhad" / "Inertial" / name).unlink()
    with pytest.raises(UserError, match=r"a1_s1_t1_inertial\.mat, a27_s8_t3_inertial\.mat"):
        opened(utd).recordings(ALL)


def test_files_of_other_names_are_ignored(utd):
    folder = utd / "utd-mhad" / "Inertial"
    for name in ("readme.txt", "a1_s1_t1_inertial.mat.part", "a99_s1_t1_inertial.mat"):
        (folder / name).write_text("?")
    assert len(opened(utd).recordings(ALL)) == 861


@pytest.mark.parametrize("name", ["a01_s1_t1_inertial.mat", "A1_S1_T1_Inertial.mat"])
def test_two_files_of_one_sample_are_an_error_that_names_both(utd, name):
    folder = utd / "utd-mhad" / "Inertial"
    (folder / name).write_bytes(b"")
    with pytest.raises(UserError, match="same sample") as caught:
        opened(utd).recordings(ALL)
    assert name in str(caught.value)
    assert "a1_s1_t1_inertial.mat" in str(caught.value)


def test_a_benchmark_with_zero_padded_names_is_read(utd):
    folder = utd / "utd-mhad" / "Inertial"
    (folder / "a1_s1_t1_inertial.mat").rename(folder / "a01_s01_t01_inertial.mat")
    assert opened(utd).recordings(ALL)[0].files[Modality.INERTIAL].name.startswith("a01")


def test_arrays_are_in_stored_form(utd):
    source = opened(utd)
    recording = source.recordings(ALL)[0]
    assert source.read(recording, Modality.SKELETON).shape == (10, 20, 3)
    assert source.read(recording, Modality.INERTIAL).shape == (26, 6)
    assert source.read(recording, Modality.DEPTH).shape == (10, 48, 48)


def test_identity_changes_with_a_files_state_only(utd):
    source = opened(utd)
    before = source.identity(ALL)
    assert opened(utd).identity(ALL) == before
    path = utd / "utd-mhad" / "Depth" / "a3_s3_t3_depth.mat"
    shutil.copy(path, path.with_suffix(".new"))
    path.with_suffix(".new").replace(path)
    os.utime(path, (5, 5))
    assert source.identity(ALL) != before
    series = [Modality.SKELETON, Modality.INERTIAL]
    assert source.identity(series) == opened(utd).identity(series)


DEPTH = np.full((8, 8, 10), 2000, np.uint16)


@pytest.mark.parametrize(
    ("modality", "content"),
    [
        (Modality.SKELETON, {"d_iner": np.ones((20, 3, 10))}),
        (Modality.SKELETON, {"d_skel": np.ones((20, 3))}),
        (Modality.SKELETON, {"d_skel": np.ones((20, 3, 0))}),
        (Modality.SKELETON, {"d_skel": np.ones((25, 3, 10))}),
        (Modality.SKELETON, {"d_skel": np.ones((20, 3, 10))}),
        (Modality.SKELETON, {"d_skel": np.full((20, 3, 10), np.nan)}),
        (Modality.SKELETON, {"d_skel": "text"}),
        (Modality.SKELETON, {"d_skel": {"a": 1}}),
        (Modality.INERTIAL, {"d_iner": np.full((30, 6), np.inf)}),
        (Modality.INERTIAL, {"d_iner": np.ones((6, 30))}),
        (Modality.INERTIAL, {"d_iner": np.ones((0, 6))}),
        (Modality.DEPTH, {"d_depth": np.zeros_like(DEPTH)}),
        (Modality.DEPTH, {"d_depth": DEPTH.astype(float)}),
        (Modality.DEPTH, {"d_depth": DEPTH[..., :0]}),
        (Modality.DEPTH, {"d_depth": DEPTH[:0]}),
    ],
)
def test_a_file_of_wrong_content_is_an_error_that_names_it(tmp_path, modality, content):
    savemat(tmp_path / "clip.mat", content)
    with pytest.raises(UserError, match=r"clip\.mat"):
        read_recording_file("utd-mhad", modality, tmp_path / "clip.mat")


@pytest.mark.parametrize("keep", [0, 1, 127, 128, 140, 200])
def test_a_truncated_file_is_an_error_that_names_it(utd_files, tmp_path, keep):
    whole = (utd_files / "Skeleton" / "a1_s1_t1_skeleton.mat").read_bytes()
    (tmp_path / "clip.mat").write_bytes(whole[:keep])
    with pytest.raises(UserError, match=r"clip\.mat"):
        read_recording_file("utd-mhad", Modality.SKELETON, tmp_path / "clip.mat")


@pytest.mark.filterwarnings("ignore")
def test_a_file_with_altered_bytes_is_read_or_refused_but_never_a_crash(utd_files, tmp_path):
    whole = (utd_files / "Inertial" / "a1_s1_t1_inertial.mat").read_bytes()
    chance = random.Random(0)
    path = tmp_path / "clip.mat"
    refused = 0
    for _ in range(300):
        altered = bytearray(whole)
        for _ in range(chance.randint(1, 4)):
            altered[chance.randrange(len(altered))] = chance.randrange(256)
        path.write_bytes(altered)
        try:
            read_recording_file("utd-mhad", Modality.INERTIAL, path)
        except UserError:
            refused += 1
    assert refused > 150


def test_the_crop_follows_the_person_and_keeps_relative_depth():
    depth = np.zeros((9, 120, 160), np.uint16)
    depth[:, 20:100, 60:80] = 2500
    depth[:, 40:60, 100:120] = 2000
    crop = crop_person(depth)
    assert crop.shape == (9, 48, 48)
    assert set(np.unique(crop)) == {0, 128, 128 + 64}
    rows, columns = np.nonzero(crop[0])
    assert rows.min() < 10
    assert rows.max() > 38
    assert abs(columns.mean() - 24) < 10


def test_a_person_at_the_border_is_cropped_beyond_it():
    depth = np.zeros((9, 60, 80), np.uint16)
    depth[:, :, 70:80] = 2500
    crop = crop_person(depth)
    assert (crop[:, :, -4:] == 0).all()
    assert (crop > 0).any()
