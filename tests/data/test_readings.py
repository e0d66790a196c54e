import time

import numpy as np
import pytest

from fckd.config.experiment import ViewSettings
from fckd.config.networks import Modality, NetworkSettings
from fckd.data import readings as readings_module
from fckd.data.corpus import Corpus
from fckd.data.readings import Readings, evaluation_reading
from fckd.data.writing import write_corpus
from fckd.errors import UserError
from tests.data.conftest import MADE, silent

NETWORKS = {
    Modality.INERTIAL: NetworkSettings(modality="inertial", network="temporal", frames=48),
    Modality.SKELETON: NetworkSettings(modality="skeleton", network="temporal", frames=32),
    Modality.DEPTH: NetworkSettings(modality="depth", network="video", frames=8, size=16),
    Modality.RGB: NetworkSettings(modality="rgb", network="video", frames=6, size=20),
}
SHAPES = {
    Modality.INERTIAL: (6, 48),
    Modality.SKELETON: (3, 32, 20),
    Modality.DEPTH: (1, 8, 16, 16),
    Modality.RGB: (3, 6, 20, 20),
}
VIEWS = ViewSettings(count=3, mirror=True)

each_modality = pytest.mark.parametrize("modality", MADE)


@each_modality
def test_a_batch_has_the_promised_shape_and_scale(corpus, modality):
    readings = Readings(corpus, NETWORKS[modality], VIEWS)
    batch = readings.batch(np.arange(5), np.array([0, 1, 2, 3, 0]))
    assert readings.shape == SHAPES[modality]
    assert batch.shape == (5, *SHAPES[modality])
    assert batch.dtype == np.float32
    assert np.isfinite(batch).all()
    assert np.abs(batch).max() < 10
    if modality in (Modality.DEPTH, Modality.RGB):
        assert batch.min() >= 0
        assert batch.max() <= 1


@each_modality
def test_a_reading_is_the_same_in_any_batch_at_any_time_and_in_any_object(corpus, modality):
    samples, views = np.array([3, 1, 3, 7]), np.array([2, 0, 2, 3])
    readings = Readings(corpus, NETWORKS[modality], VIEWS)
    first = readings.batch(samples, views)
    np.testing.assert_array_equal(first[0], first[2])
    np.testing.assert_array_equal(readings.batch(samples, views), first)
    backward = Readings(corpus, NETWORKS[modality], VIEWS).batch(samples[::-1], views[::-1])
    np.testing.assert_array_equal(backward[::-1], first)


@each_modality
@pytest.mark.parametrize("kept", [0, 1, 3])
def test_readings_beyond_the_memory_limit_are_made_again_and_equal(
    corpus, modality, kept, monkeypatch
):
    samples, views = np.arange(6), np.array([0, 1, 2, 3, 0, 1])
    expected = Readings(corpus, NETWORKS[modality], VIEWS).batch(samples, views)
    size = expected[0].size * (4 if modality in (Modality.SKELETON, Modality.INERTIAL) else 1)
    monkeypatch.setattr(readings_module, "MEMORY_LIMIT", kept * size)
    limited = Readings(corpus, NETWORKS[modality], VIEWS)
    for _ in range(2):
        np.testing.assert_array_equal(limited.batch(samples, views), expected)


@each_modality
def test_changing_a_batch_does_not_change_the_next_one(corpus, modality):
    readings = Readings(corpus, NETWORKS[modality], VIEWS)
    samples, views = np.array([2]), np.array([1])
    batch = readings.batch(samples, views)
    before = batch.copy()
    batch[:] = -1
    np.testing.assert_array_equal(readings.batch(samples, views), before)


@each_modality
def test_one_recording_is_read_as_the_corpus_reads_it_for_evaluation(corpus, modality):
    expected = Readings(corpus, NETWORKS[modality], VIEWS).batch(np.array([4]), np.array([0]))[0]
    array = corpus.array(4, modality)
    np.testing.assert_array_equal(evaluation_reading(array, NETWORKS[modality]), expected)


def test_a_recording_of_another_modality_is_an_error(corpus):
    with pytest.raises(UserError, match="the recording"):
        evaluation_reading(corpus.array(0, Modality.DEPTH), NETWORKS[Modality.SKELETON])


def test_a_corpus_without_the_modality_is_an_error(source, tmp_path):
    write_corpus(source, source.recordings(()), [Modality.INERTIAL], tmp_path / "c", silent)
    with pytest.raises(UserError, match="does not hold depth"):
        Readings(Corpus.open(tmp_path / "c"), NETWORKS[Modality.DEPTH], VIEWS)


def test_a_batch_of_kept_series_costs_well_under_a_millisecond(corpus):
    readings = Readings(corpus, NETWORKS[Modality.SKELETON], VIEWS)
    samples, views = np.arange(32) % len(corpus), np.arange(32) % 4
    readings.batch(samples, views)
    costs = []
    for _ in range(50):
        start = time.perf_counter()
        readings.batch(samples, views)
        costs.append(time.perf_counter() - start)
    assert min(costs) < 1e-3


def test_flow_is_read_as_minus_1_to_1_with_0_for_no_motion():
    network = NetworkSettings(modality="flow", network="video", frames=4, size=16)
    flow = np.zeros((9, 24, 32, 2), np.int8)
    flow[:, :, 16:, 0], flow[:, :, 16:, 1] = 127, -127
    reading = evaluation_reading(flow, network)
    assert reading.shape == (2, 4, 16, 16)
    assert reading.dtype == np.float32
    assert not reading[:, :, :, :8].any()
    np.testing.assert_allclose(reading[0, :, :, 8:], 1)
    np.testing.assert_allclose(reading[1, :, :, 8:], -1)


def test_infrared_is_read_as_0_to_1():
    network = NetworkSettings(modality="infrared", network="video", frames=4, size=16)
    reading = evaluation_reading(np.full((9, 24, 32), 255, np.uint8), network)
    assert reading.shape == (1, 4, 16, 16)
    np.testing.assert_allclose(reading, 1)


@pytest.mark.parametrize("joints", [20, 25, 40, 50])
def test_a_skeleton_of_any_layout_is_read_with_all_its_joints(joints):
    skeleton = np.random.default_rng(0).normal(size=(9, joints, 3))
    assert evaluation_reading(skeleton, NETWORKS[Modality.SKELETON]).shape == (3, 32, joints)
