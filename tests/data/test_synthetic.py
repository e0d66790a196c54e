import pickle

import numpy as np
import pytest

from fckd.config.corpus import SyntheticSettings
from fckd.config.networks import Modality
from fckd.config.skeletons import KINECT_V1
from fckd.data.bodies import hip_center
from fckd.data.forms import FORMS
from fckd.data.sources.synthetic import Synthetic
from fckd.data.sources.synthetic_figure import joint

MODALITIES = [Modality.SKELETON, Modality.INERTIAL, Modality.DEPTH, Modality.RGB]


@pytest.mark.parametrize("modality", MODALITIES)
def test_a_sample_is_the_same_in_whatever_order_and_by_whatever_copy_it_is_made(source, modality):
    recordings = source.recordings(MODALITIES)
    forward = [source.read(recording, modality) for recording in recordings]
    copy = pickle.loads(pickle.dumps(source))
    backward = [copy.read(recording, modality) for recording in reversed(recordings)]
    for one, other in zip(forward, reversed(backward), strict=True):
        np.testing.assert_array_equal(one, other)


def test_another_seed_gives_other_samples(source):
    other = Synthetic(source.settings.model_copy(update={"seed": 1}))
    recording = source.recordings(MODALITIES)[0]
    for modality in MODALITIES:
        one, two = source.read(recording, modality), other.read(recording, modality)
        assert one.shape != two.shape or (one != two).any()


def test_every_sample_of_the_largest_cast_is_in_stored_form_and_lasts_40_to_60_frames():
    source = Synthetic(SyntheticSettings(actions=12, subjects=3, cameras=4, repetitions=1, size=16))
    for recording in source.recordings(MODALITIES)[::5]:
        for modality in MODALITIES:
            array = source.read(recording, modality)
            assert array.dtype == FORMS[modality].dtype
            assert FORMS[modality].fits(array.shape)
            if modality is not Modality.INERTIAL:
                assert 40 <= len(array) <= 60


def test_ids_are_sorted_and_unique_for_many_subjects_and_repetitions():
    source = Synthetic(SyntheticSettings(actions=2, subjects=40, cameras=4, repetitions=20))
    ids = [recording.sample_id for recording in source.recordings(MODALITIES)]
    assert ids == sorted(set(ids))
    assert len(ids) == 2 * 40 * 4 * 20


def test_even_subjects_are_the_test_subjects(source):
    tests = {
        recording.subject
        for recording in source.recordings(MODALITIES)
        if recording.splits["cross-subject"] == "test"
    }
    assert tests == {2, 4}


def test_bones_keep_their_length_while_the_figure_moves():
    source = Synthetic(SyntheticSettings(subjects=3))
    for recording in source.recordings(MODALITIES)[::13]:
        skeleton = source.read(recording, Modality.SKELETON)
        for start, stop in [("left_knee", "left_ankle"), ("right_elbow", "right_wrist")]:
            bone = np.linalg.norm(skeleton[:, joint(start)] - skeleton[:, joint(stop)], axis=1)
            assert bone.std() < 0.05
            assert 0.15 < bone.mean() < 0.6


def test_the_person_stands_upright_before_the_camera(skeleton):
    head, hips, foot = (
        skeleton[0, 0],
        skeleton[0, hip_center(KINECT_V1)],
        skeleton[0, joint("left_foot")],
    )
    assert head[1] > hips[1] > foot[1]
    assert 2 < hips[2] < 4


def test_the_sensor_at_rest_feels_one_g():
    source = Synthetic(SyntheticSettings(subjects=3))
    inertial = source.read(source.recordings(MODALITIES)[0], Modality.INERTIAL)
    assert np.linalg.norm(inertial[:3, :3], axis=1) == pytest.approx(1, abs=0.2)


def test_the_figure_covers_a_plausible_part_of_the_depth_image(source):
    depth = source.read(source.recordings(MODALITIES)[0], Modality.DEPTH)
    assert 0.05 < (depth > 0).mean() < 0.3
    assert np.median(depth[depth > 0]) == pytest.approx(128, abs=3)
