"""The real UTD-MHAD; found through FCKD_DATA, or beside the checkout."""

import numpy as np
import pytest

from fckd.config.corpus import CorpusSettings
from fckd.config.networks import Modality
from fckd.data.corpus import Corpus
from fckd.data.protocols import divide
from fckd.data.sources import open_source
from fckd.data.writing import write_corpus
from tests.real.recordings import recordings

pytestmark = pytest.mark.real

ALL = [Modality.SKELETON, Modality.INERTIAL, Modality.DEPTH]


SETTINGS = CorpusSettings(source="utd-mhad", validation_subjects=(7,))


@pytest.fixture(scope="module")
def source():
    return open_source(SETTINGS, recordings("utd-mhad"))


@pytest.fixture(scope="module")
def corpus(source, tmp_path_factory):
    folder = tmp_path_factory.mktemp("utd") / "corpus"
    series = [Modality.SKELETON, Modality.INERTIAL]
    write_corpus(source, source.recordings(series), series, folder, lambda _: None)
    return Corpus.open(folder, verify=True)


def test_counts_are_the_published_ones(corpus):
    assert len(corpus) == 861
    assert len(set(corpus.labels)) == 27
    subjects, counts = np.unique(corpus.subjects, return_counts=True)
    assert dict(zip(subjects.tolist(), counts.tolist(), strict=True)) == {
        1: 107, 2: 108, 3: 108, 4: 108, 5: 108, 6: 107, 7: 108, 8: 107
    }  # fmt: skip


def test_the_official_division_is_431_and_430(corpus):
    division = divide(corpus, SETTINGS)
    assert len(division.official_train) == 431
    assert len(division.test) == 430
    assert len(division.validation) == 108


def test_lengths_and_ranges_are_the_measured_ones(corpus):
    samples = range(len(corpus))
    skeletons = [corpus.array(index, Modality.SKELETON) for index in samples]
    inertials = [corpus.array(index, Modality.INERTIAL) for index in samples]
    assert (min(map(len, skeletons)), max(map(len, skeletons))) == (41, 125)
    assert (min(map(len, inertials)), max(map(len, inertials))) == (107, 326)
    heads_above_feet = [
        skeleton[:, 0, 1].mean() > skeleton[:, 19, 1].mean() for skeleton in skeletons
    ]
    assert all(heads_above_feet)
    assert all(np.abs(inertial[:, 3:]).max() < 1001 for inertial in inertials)


def test_depth_is_as_long_as_the_skeleton_and_shows_a_person(source):
    for recording in source.recordings(ALL)[::100]:
        depth = source.read(recording, Modality.DEPTH)
        assert depth.shape == (len(source.read(recording, Modality.SKELETON)), 48, 48)
        assert 0.05 < (depth > 0).mean() < 0.5
        assert abs(float(np.median(depth[depth > 0])) - 128) < 6
