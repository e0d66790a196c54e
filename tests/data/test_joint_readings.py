"""What a network reads of several modalities."""

import numpy as np

from fckd.config.experiment import ViewSettings
from fckd.config.fusion import FusionSettings
from fckd.config.networks import NetworkSettings
from fckd.data import readings as readings_module
from fckd.data.joint_readings import JointReadings
from fckd.data.readings import Readings

SKELETON = NetworkSettings(modality="skeleton", network="temporal", frames=16)
DEPTH = NetworkSettings(modality="depth", network="video", frames=4, size=16)
BOTH = FusionSettings(fusion="shift", parts={"depth": DEPTH, "skeleton": SKELETON})
VIEWS = ViewSettings(count=3, mirror=True)
SAMPLES, NUMBERS = np.array([3, 1, 3]), np.array([2, 0, 1])


def test_a_fusion_reads_each_part_as_a_network_of_its_own_would(corpus):
    readings = JointReadings.of(corpus, BOTH, VIEWS)
    assert readings.shapes == ((3, 16, 20), (1, 4, 16, 16))
    together = readings.batch(SAMPLES, NUMBERS)
    alone = [Readings(corpus, part, VIEWS).batch(SAMPLES, NUMBERS) for part in (SKELETON, DEPTH)]
    for joint, single in zip(together, alone, strict=True):
        np.testing.assert_array_equal(joint, single)


def test_one_network_reads_one_part(corpus):
    (read,) = JointReadings.of(corpus, SKELETON, VIEWS).batch(SAMPLES, NUMBERS)
    np.testing.assert_array_equal(read, Readings(corpus, SKELETON, VIEWS).batch(SAMPLES, NUMBERS))


def test_both_parts_of_a_sample_are_read_through_one_and_the_same_view(corpus, monkeypatch):
    seen = []
    read = readings_module.read

    def spied(array, network, view):
        seen.append((network.modality, view))
        return read(array, network, view)

    monkeypatch.setattr(readings_module, "read", spied)
    JointReadings.of(corpus, BOTH, VIEWS).batch(SAMPLES, NUMBERS)
    skeleton, depth = (
        [view for modality, view in seen if modality == part.modality] for part in (SKELETON, DEPTH)
    )
    assert skeleton == depth
    assert len(set(skeleton)) == len(SAMPLES)


def test_a_single_frame_is_the_middle_of_the_clip(corpus):
    frame = DEPTH.model_copy(update={"frames": 1})
    every = DEPTH.model_copy(update={"frames": 5})
    (one,), (five,) = (
        JointReadings.of(corpus, part, VIEWS).batch(np.array([2]), np.array([0]))
        for part in (frame, every)
    )
    np.testing.assert_array_equal(one[:, :, 0], five[:, :, 2])
