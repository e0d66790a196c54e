"""Frames stored as pictures: the same to whoever reads them, and a fraction of the room."""

import numpy as np
import pytest

from fckd.config.corpus import CorpusSettings, FrameCodings
from fckd.config.experiment import ViewSettings
from fckd.config.networks import Modality, NetworkSettings
from fckd.data import frames as frames_module
from fckd.data.coding import UndecodableError, decoded, encoded
from fckd.data.corpus import Corpus
from fckd.data.frames import EncodedFrames
from fckd.data.prepare import prepare
from fckd.data.readings import Readings
from fckd.errors import UserError
from tests.data.conftest import MADE, RAW, SMALL, silent

EXACT = FrameCodings(rgb="png", infrared="png", depth="png", flow="png")
IMAGES = [Modality.DEPTH, Modality.RGB, Modality.FLOW]
EVERYTHING = [*MADE, Modality.FLOW]


def made(storage, codings):
    settings = CorpusSettings(
        source="synthetic", validation_subjects=(3,), frame_coding=codings, synthetic=SMALL
    )
    return prepare(settings, EVERYTHING, None, storage, silent)


@pytest.fixture(scope="module")
def corpora(tmp_path_factory):
    storage = tmp_path_factory.mktemp("storage")
    codings = {"raw": RAW, "png": EXACT, "default": FrameCodings()}
    return {name: made(storage, chosen) for name, chosen in codings.items()}


@pytest.mark.parametrize(
    ("shape", "dtype"), [((7, 9), np.uint8), ((7, 9, 3), np.uint8), ((7, 9, 2), np.int8)]
)
def test_png_gives_back_every_value(shape, dtype):
    frame = np.random.default_rng(0).integers(-128, 127, shape).astype(dtype)
    np.testing.assert_array_equal(decoded(encoded(frame, "png"), shape, np.dtype(dtype)), frame)


def test_jpeg_gives_back_colours_nearly_and_in_their_order():
    rows, columns = np.mgrid[0:64, 0:80]
    frame = np.stack([rows * 2, columns, np.full_like(rows, 200)], axis=-1).astype(np.uint8)
    back = decoded(encoded(frame, "jpeg"), frame.shape, frame.dtype)
    assert np.abs(back.astype(int) - frame).mean() < 1.5


@pytest.mark.parametrize(
    "content", [b"", b"no picture", encoded(np.zeros((5, 5), np.uint8), "png")]
)
def test_what_is_no_picture_of_that_size_is_refused(content):
    with pytest.raises(UndecodableError):
        decoded(content, (7, 9), np.dtype(np.uint8))


def test_a_corpus_of_exact_pictures_holds_the_same_arrays(corpora):
    for index in range(len(corpora["raw"])):
        for modality in EVERYTHING:
            np.testing.assert_array_equal(
                corpora["png"].array(index, modality), corpora["raw"].array(index, modality)
            )


def test_pictures_take_less_room_and_series_the_same(corpora):
    for modality in IMAGES:
        assert corpora["default"].bytes(modality) < corpora["raw"].bytes(modality)
    assert corpora["default"].bytes(Modality.SKELETON) == corpora["raw"].bytes(Modality.SKELETON)


def test_every_coding_has_a_fingerprint_of_its_own(corpora):
    assert len({corpus.fingerprint for corpus in corpora.values()}) == 3
    assert corpora["default"].codings == {
        Modality.DEPTH: "png",
        Modality.RGB: "jpeg",
        Modality.FLOW: "png",
    }


@pytest.mark.parametrize("modality", IMAGES)
def test_readings_of_exact_pictures_equal_those_of_raw_frames(corpora, modality):
    network = NetworkSettings(modality=modality, network="video", frames=6, size=16)
    samples, views = np.arange(6), np.array([0, 1, 2, 0, 3, 4])
    readings = [
        Readings(corpora[name], network, ViewSettings(count=4)).batch(samples, views)
        for name in ("raw", "png")
    ]
    np.testing.assert_array_equal(*readings)


def test_only_the_frames_that_are_read_are_decoded(corpora, monkeypatch):
    clip = corpora["png"].frames(0, Modality.DEPTH)
    assert isinstance(clip, EncodedFrames)
    asked = []

    def counted(content, shape, dtype):
        asked.append(len(content))
        return decoded(content, shape, dtype)

    monkeypatch.setattr(frames_module, "decoded", counted)
    read = clip[np.array([5, 2, 2, 9])]
    assert len(asked) == 3
    whole = corpora["raw"].array(0, Modality.DEPTH)
    np.testing.assert_array_equal(read, whole[[5, 2, 2, 9]])


def test_a_damaged_picture_is_named_with_its_file(tmp_path):
    corpus = made(tmp_path, EXACT)
    first = encoded(corpus.array(3, Modality.DEPTH)[0], "png")
    for shard in corpus.folder.glob("*.arrow"):
        shard.write_bytes(shard.read_bytes().replace(first, bytes(len(first))))
    with pytest.raises(UserError, match=r"shard-\d+\.arrow is damaged: frame 0 is not a picture"):
        Corpus.open(corpus.folder).array(3, Modality.DEPTH)


def test_a_corpus_that_changed_after_it_was_inspected_is_read_again(tmp_path):
    corpus = made(tmp_path, EXACT)
    shard = next(corpus.folder.glob("*.arrow"))
    content = bytearray(shard.read_bytes())
    content[-400] ^= 1
    shard.write_bytes(content)
    with pytest.raises(UserError, match="its content has changed"):
        made(tmp_path, EXACT)


def test_an_unchanged_corpus_is_not_read_as_a_whole_again(tmp_path, monkeypatch):
    corpus = made(tmp_path, EXACT)

    def read_again(*_):
        raise AssertionError("every byte was read")

    monkeypatch.setattr("fckd.data.integrity._sha256", read_again)
    assert made(tmp_path, EXACT).fingerprint == corpus.fingerprint


def test_depth_may_not_be_stored_with_loss():
    with pytest.raises(ValueError, match="depth"):
        FrameCodings.model_validate({"depth": "jpeg"})
