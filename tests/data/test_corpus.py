import json
import os
import random
import shutil
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest
from pyarrow import fs

from fckd.config.networks import Modality
from fckd.data import writing
from fckd.data.corpus import Corpus
from fckd.data.manifest import MANIFEST
from fckd.data.sources.base import NobodySeenError
from fckd.data.sources.synthetic import Synthetic
from fckd.data.writing import write_corpus
from fckd.errors import UserError
from tests.data.conftest import silent

MODALITIES = [Modality.SKELETON, Modality.INERTIAL, Modality.DEPTH, Modality.RGB]
UNUSED = {"cross-subject": "unused"}


@pytest.fixture
def copy(corpus, tmp_path):
    return shutil.copytree(corpus.folder, tmp_path / "copy")


def shard(folder):
    return next(folder.glob("*.arrow"))


def test_arrays_come_back_as_the_source_gave_them(corpus, source):
    for index, recording in enumerate(source.recordings(MODALITIES)):
        assert corpus.sample_ids[index] == recording.sample_id
        assert corpus.index_of(recording.sample_id) == index
        assert corpus.labels[index] == recording.label
        assert corpus.subjects[index] == recording.subject
        assert corpus.cameras[index] == recording.camera
        assert corpus.groups[index] == recording.group
        assert corpus.splits("cross-subject")[index] == recording.splits["cross-subject"]
        for modality in MODALITIES:
            expected = source.read(recording, modality)
            np.testing.assert_array_equal(corpus.array(index, modality), expected)
    assert len(corpus) == 12
    assert corpus.classes == source.classes
    assert corpus.protocols == ("cross-subject",)
    assert corpus.joints == 20


@pytest.mark.parametrize("modality", MODALITIES)
def test_an_array_is_a_read_only_view_of_the_memory_map(corpus, modality):
    before = pa.total_allocated_bytes()
    arrays = [corpus.array(index, modality) for index in range(len(corpus))]
    assert pa.total_allocated_bytes() - before < 4096
    assert not arrays[0].flags.owndata
    with pytest.raises(ValueError, match="read-only"):
        arrays[0][0] = 0


def test_content_names_the_corpus_not_order_shards_or_place(corpus, source, tmp_path, monkeypatch):
    recordings = source.recordings(MODALITIES)
    random.Random(0).shuffle(recordings)
    monkeypatch.setattr(writing, "SAMPLES_PER_SHARD", 5)
    write_corpus(source, recordings, reversed(MODALITIES), tmp_path / "other", silent)
    other = Corpus.open(tmp_path / "other", verify=True)
    assert len(list(other.folder.glob("*.arrow"))) == 3
    assert other.fingerprint == corpus.fingerprint
    assert other.sample_ids == corpus.sample_ids
    np.testing.assert_array_equal(
        other.array(11, Modality.SKELETON), corpus.array(11, Modality.SKELETON)
    )


def test_other_content_has_another_fingerprint(corpus, source, tmp_path):
    recordings = source.recordings(MODALITIES)
    for name, changed, modalities in [
        ("fewer", recordings[1:], MODALITIES),
        ("label", [replace(recordings[0], label=1), *recordings[1:]], MODALITIES),
        ("group", [replace(recordings[0], group="film"), *recordings[1:]], MODALITIES),
        ("split", [replace(recordings[0], splits=UNUSED), *recordings[1:]], MODALITIES),
        ("modality", recordings, MODALITIES[:2]),
    ]:
        write_corpus(source, changed, modalities, tmp_path / name, silent)
        assert Corpus.open(tmp_path / name).fingerprint != corpus.fingerprint


def test_two_recordings_of_one_id_are_an_error_and_nothing_is_left(source, tmp_path):
    recordings = source.recordings(MODALITIES)
    with pytest.raises(UserError, match="a01_s01"):
        write_corpus(source, [*recordings, recordings[0]], MODALITIES, tmp_path / "c", silent)
    assert list(tmp_path.iterdir()) == []


def test_no_recordings_are_an_error(source, tmp_path):
    with pytest.raises(UserError, match="no recordings"):
        write_corpus(source, [], MODALITIES, tmp_path / "c", silent)


def test_many_samples_read_by_processes_are_the_same_as_read_here(source, tmp_path, monkeypatch):
    recordings = source.recordings(MODALITIES)
    write_corpus(source, recordings, [Modality.SKELETON], tmp_path / "here", silent)
    monkeypatch.setattr("fckd.data.workers.WORTH_A_POOL", 1)
    write_corpus(source, recordings, [Modality.SKELETON], tmp_path / "there", silent)
    manifests = [(tmp_path / name / MANIFEST).read_text() for name in ("here", "there")]
    assert manifests[0] == manifests[1]


def test_progress_counts_up_to_the_number_of_samples(source, tmp_path):
    done = []
    write_corpus(source, source.recordings(()), [Modality.INERTIAL], tmp_path / "c", done.append)
    assert done == sorted(done)
    assert done[-1] == 12


def test_a_truncated_shard_is_detected(copy):
    os.truncate(shard(copy), shard(copy).stat().st_size - 1)
    with pytest.raises(UserError, match="damaged"):
        Corpus.open(copy)


def test_an_altered_shard_is_detected_when_verified(copy):
    content = bytearray(shard(copy).read_bytes())
    content[len(content) // 2] ^= 1
    shard(copy).write_bytes(content)
    with pytest.raises(UserError, match="content has changed"):
        Corpus.open(copy, verify=True)


def test_a_shard_that_is_not_arrow_is_detected(copy):
    shard(copy).write_bytes(b"x" * shard(copy).stat().st_size)
    with pytest.raises(UserError, match="damaged"):
        Corpus.open(copy)


def test_a_missing_shard_is_detected(copy):
    shard(copy).unlink()
    with pytest.raises(UserError, match="absent"):
        Corpus.open(copy)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"schema_version": 99}, "schema_version: Input should be 4"),
        ({"shards": None}, "damaged"),
        ({"shards": []}, "shards"),
        ({"protocols": ["cross-view"]}, "columns"),
        ({"shards": [{"name": "../x", "samples": 1, "bytes": 1, "sha256": ""}]}, "pattern"),
        ({"modalities": {"smell": "uint8"}}, "damaged"),
        ({"modalities": {"skeleton": "float32"}}, "columns"),
    ],
)
def test_a_manifest_that_does_not_fit_is_an_error(copy, changes, found):
    manifest = json.loads((copy / MANIFEST).read_text())
    (copy / MANIFEST).write_text(json.dumps({**manifest, **changes}))
    with pytest.raises(UserError, match=found):
        Corpus.open(copy)


@pytest.mark.parametrize("content", ["", "[]", "{", '{"schema_version": 1}'])
def test_a_manifest_that_is_not_whole_is_an_error(copy, content):
    (copy / MANIFEST).write_text(content)
    with pytest.raises(UserError, match=MANIFEST):
        Corpus.open(copy)


def test_no_corpus_is_an_error(tmp_path):
    with pytest.raises(UserError, match="no corpus"):
        Corpus.open(tmp_path)


def test_a_missing_modality_and_an_unknown_sample_are_errors(source, corpus, tmp_path):
    write_corpus(source, source.recordings(()), [Modality.INERTIAL], tmp_path / "c", silent)
    with pytest.raises(UserError, match="does not hold skeleton"):
        Corpus.open(tmp_path / "c").array(0, Modality.SKELETON)
    with pytest.raises(UserError, match="no sample"):
        corpus.index_of("a99")


def test_another_file_system_serves_the_same_samples(corpus):
    folder = corpus.folder
    distant = Corpus.open(
        folder.relative_to(folder.parent),
        fs.SubTreeFileSystem(str(folder.parent), fs.LocalFileSystem()),
        verify=True,
    )
    np.testing.assert_array_equal(distant.array(3, Modality.DEPTH), corpus.array(3, Modality.DEPTH))


def test_skeletons_of_two_layouts_do_not_share_a_corpus(source, tmp_path):
    class Mixed(Synthetic):
        def read(self, recording, modality):
            skeleton = super().read(recording, modality)
            return np.repeat(skeleton, 2, axis=1) if recording.subject == 3 else skeleton

    mixed = Mixed(source.settings)
    with pytest.raises(UserError, match=r"a skeleton of 20 joints, .* one of 40"):
        write_corpus(mixed, mixed.recordings(()), [Modality.SKELETON], tmp_path / "c", silent)


def test_a_corpus_of_recordings_that_show_nobody_is_an_error(source, tmp_path):
    class Empty(Synthetic):
        def read(self, recording, modality):
            raise NobodySeenError

    empty = Empty(source.settings)
    with pytest.raises(UserError, match="somebody is seen"):
        write_corpus(empty, empty.recordings(()), [Modality.SKELETON], tmp_path / "c", silent)
