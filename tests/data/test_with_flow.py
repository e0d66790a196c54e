import numpy as np
import pytest

from fckd.config.networks import Modality
from fckd.data.corpus import Corpus
from fckd.data.flow import optical_flow
from fckd.data.sources.with_flow import WithFlow
from fckd.data.writing import write_corpus
from tests.data.conftest import silent


@pytest.fixture(params=[Modality.RGB, Modality.DEPTH])
def images(request):
    return request.param


def test_flow_is_computed_of_the_images_that_are_named(source, images):
    derived = WithFlow(source, images)
    recording = derived.recordings([Modality.FLOW])[0]
    expected = optical_flow(source.read(recording, images), "here")
    np.testing.assert_array_equal(derived.read(recording, Modality.FLOW), expected)
    assert expected.any()


def test_flow_becomes_part_of_a_corpus_like_any_modality(source, tmp_path):
    derived = WithFlow(source, Modality.RGB)
    wanted = [Modality.FLOW, Modality.RGB, Modality.SKELETON]
    write_corpus(derived, derived.recordings(wanted), wanted, tmp_path / "corpus", silent)
    corpus = Corpus.open(tmp_path / "corpus")
    assert corpus.array(3, Modality.FLOW).shape[:3] == corpus.array(3, Modality.RGB).shape[:3]


def test_other_modalities_are_those_of_the_source(source):
    derived = WithFlow(source, Modality.RGB)
    wanted = [Modality.SKELETON, Modality.RGB]
    assert derived.recordings(wanted) == source.recordings(wanted)
    assert derived.identity(wanted) == source.identity(wanted)
    recording = source.recordings(wanted)[5]
    for modality in wanted:
        expected = source.read(recording, modality)
        np.testing.assert_array_equal(derived.read(recording, modality), expected)


def test_images_are_read_once_for_flow_and_for_themselves(source, monkeypatch):
    read = []
    derived = WithFlow(source, Modality.RGB)
    whole = type(source).read
    monkeypatch.setattr(type(source), "read", lambda *given: read.append(given[2]) or whole(*given))
    for recording in source.recordings([])[:2]:
        for modality in (Modality.FLOW, Modality.RGB):
            derived.read(recording, modality)
    assert read == [Modality.RGB, Modality.RGB]


def test_identity_says_what_flow_is_computed_of(source):
    names = [WithFlow(source, images).identity([Modality.FLOW]) for images in Modality]
    assert len({str(name) for name in names}) == len(Modality)
