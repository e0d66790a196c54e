"""A block that the file system refuses is one message, and nothing of it stays there."""

import contextlib
import resource
import signal

import pytest

from fckd.config.networks import Modality
from fckd.data.blocks import BlockMaker
from fckd.data.corpus import Corpus
from fckd.data.shards import Columns
from fckd.data.writing import work_folder, write_corpus
from fckd.errors import UserError
from fckd.files import make_folder

SKELETON = (Modality.SKELETON,)


@pytest.fixture
def maker(source, tmp_path):
    shards, notes = make_folder(tmp_path / "shards"), make_folder(tmp_path / "notes")
    return BlockMaker(source, Columns(SKELETON, ("cross-subject",), {}), shards, notes)


@contextlib.contextmanager
def little_room():
    """No file may become longer than 4 kB, which a shard does and its note does not.

    Only within a test: a fixture would have it while pytest reports, perhaps to a longer file.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (4096, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        signal.signal(signal.SIGXFSZ, handler)


def test_a_shard_for_which_there_is_no_room_leaves_nothing_behind(maker, source):
    recordings = source.recordings(())[:8]
    for _ in range(2):
        with (
            pytest.raises(UserError, match=r"cannot write .*shard-00003\.arrow .*File too large"),
            little_room(),
        ):
            maker.make(3, recordings)
    assert not list(maker.shards.iterdir())
    assert not list(maker.notes.iterdir())


def test_a_note_that_is_refused_is_an_error_that_says_what_to_do(maker, source):
    make_folder(maker.notes / "block-00003.json")
    with pytest.raises(UserError, match="make room or choose another place"):
        maker.make(3, source.recordings(())[:8])


def test_what_a_killed_process_left_half_written_takes_no_room_while_a_corpus_is_written(
    source, tmp_path
):
    shards = make_folder(work_folder(tmp_path / "corpus") / "corpus")
    (shards / ".shard-00000.arrow.0123abcd.partial").write_bytes(bytes(1000))

    def look(done):
        assert not list(shards.glob(".*.partial"))

    write_corpus(source, source.recordings(()), SKELETON, tmp_path / "corpus", look)
    assert len(Corpus.open(tmp_path / "corpus")) == len(source.recordings(()))
