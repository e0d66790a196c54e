"""Eight real skeletons of Northwestern-UCLA, as json; found beside the checkout."""

import numpy as np
import pytest

from fckd.config.corpus import CorpusSettings
from fckd.config.networks import Modality, NetworkSettings
from fckd.config.skeletons import KINECT_V1
from fckd.data.prepare import prepare
from fckd.data.readings import evaluation_reading
from fckd.data.sources.n_ucla import NUcla
from tests.real.recordings import recordings

pytestmark = pytest.mark.real

SKELETON = [Modality.SKELETON]
FRAMES = {
    "a01_s01_e00_v01": (0, 44),
    "a02_s09_e04_v02": (1, 1),
    "a03_s01_e02_v02": (2, 31),
    "a08_s01_e00_v03": (6, 51),
    "a08_s01_e01_v03": (6, 61),
    "a08_s01_e02_v03": (6, 78),
    "a08_s01_e03_v03": (6, 76),
    "a12_s06_e04_v03": (9, 16),
}
"""Sample -> label and frames; one of them is a single frame."""


@pytest.fixture(scope="module")
def skeletons():
    source = NUcla(recordings("nw-ucla-sample") / "nw-ucla-sample", 112)
    return {
        recording.sample_id: (recording, source.read(recording, Modality.SKELETON))
        for recording in source.recordings(SKELETON)
    }


def test_labels_and_frames_are_those_of_the_files(skeletons):
    found = {name: (about.label, len(array)) for name, (about, array) in skeletons.items()}
    assert found == FRAMES


def test_the_third_view_is_the_test(skeletons):
    for name, (recording, _) in skeletons.items():
        assert recording.splits["cross-view"] == ("test" if name.endswith("v03") else "train")
        assert recording.camera == int(name[-1])


def test_bodies_stand_upright_before_the_camera(skeletons):
    head, hips, foot = (KINECT_V1.index(name) for name in ("head", "hip_center", "left_foot"))
    for _, skeleton in skeletons.values():
        height = np.median(skeleton[..., 1], axis=0)
        assert height[head] > height[hips] > height[foot]
        assert 1.0 < height[head] - height[foot] < 2.0
        assert 1.5 < np.median(skeleton[..., 2]) < 4.5


@pytest.mark.parametrize(
    ("start", "stop", "shortest", "longest"),
    [
        ("shoulder_center", "hip_center", 0.25, 0.65),
        ("left_elbow", "left_wrist", 0.15, 0.35),
        ("right_knee", "right_ankle", 0.2, 0.55),
        ("head", "shoulder_center", 0.1, 0.35),
    ],
)
def test_bones_have_plausible_lengths(skeletons, start, stop, shortest, longest):
    for _, skeleton in skeletons.values():
        bone = skeleton[:, KINECT_V1.index(start)] - skeleton[:, KINECT_V1.index(stop)]
        assert shortest < np.median(np.linalg.norm(bone, axis=1)) < longest


def test_every_clip_is_read_whatever_its_length(skeletons):
    network = NetworkSettings(modality="skeleton", network="temporal", frames=32)
    for _, skeleton in skeletons.values():
        reading = evaluation_reading(skeleton, network)
        assert reading.shape == (3, 32, 20)
        assert np.isfinite(reading).all()
        assert np.abs(reading).max() < 12


def test_they_make_a_corpus(tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "n-ucla").symlink_to(recordings("nw-ucla-sample") / "nw-ucla-sample")
    settings = CorpusSettings(source="n-ucla", validation_cameras=(2,))
    corpus = prepare(settings, SKELETON, data, tmp_path / "storage", lambda *_: None)
    assert corpus.sample_ids == sorted(FRAMES)
    assert corpus.joints == 20
