"""A corpus made by a Ray cluster: the same as by a pool, whatever dies or is interrupted."""

import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from fckd.config.corpus import SyntheticSettings
from fckd.config.networks import Modality
from fckd.data.blocks import Block, BlockMaker
from fckd.data.corpus import Corpus
from fckd.data.forms import Array
from fckd.data.shards import Columns
from fckd.data.sources.base import Recording
from fckd.data.sources.synthetic import Synthetic
from fckd.data.writing import write_corpus
from fckd.errors import UserError
from fckd.sweep.blocks_on_ray import make_blocks_on_ray

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_cluster")]

SKELETON = (Modality.SKELETON,)
SETTINGS = SyntheticSettings(actions=12, subjects=4, cameras=1, repetitions=2, size=16)
SAMPLES = 96


class Noting(Synthetic):
    """Leaves a file for every recording that any process reads, after a while."""

    def __init__(self, folder: Path, seconds: float = 0.0) -> None:
        super().__init__(SETTINGS)
        folder.mkdir()
        self.folder, self.seconds = folder, seconds

    @property
    def read_ids(self) -> set[str]:
        return {path.name for path in self.folder.iterdir()}

    def read(self, recording: Recording, modality: Modality) -> Array:
        time.sleep(self.seconds)
        (self.folder / recording.sample_id).touch()
        return super().read(recording, modality)


class Deadly(Noting):
    """Kills the first process that reads it."""

    def read(self, recording: Recording, modality: Modality) -> Array:
        victim = self.folder.with_suffix(".victim")
        if not victim.exists():
            victim.write_text(recording.sample_id)
            os.kill(os.getpid(), signal.SIGKILL)
        return super().read(recording, modality)


class Refusing(BlockMaker):
    """A disk that is full."""

    def make(self, number: int, recordings: Sequence[Recording]) -> Block:
        raise UserError("the disk is full", "room", "make room")


class Broken(BlockMaker):
    """A mistake of ours."""

    def make(self, number: int, recordings: Sequence[Recording]) -> Block:
        raise ZeroDivisionError


def write(source: Synthetic, folder: Path, advance: Callable[[int], None], **how: Any) -> Corpus:
    write_corpus(source, source.recordings(()), SKELETON, folder, advance, **how)
    return Corpus.open(folder, verify=True)


def by_ray(source: Synthetic, folder: Path, advance: Callable[[int], None]) -> Corpus:
    return write(source, folder, advance, make=make_blocks_on_ray)


def block_of(source: Synthetic) -> Mapping[int, Sequence[Recording]]:
    return {0: source.recordings(())[:2]}


def maker_of(kind: type[BlockMaker], source: Synthetic, folder: Path) -> BlockMaker:
    return kind(source, Columns(SKELETON, ("cross-subject",), {}), folder, folder)


def test_the_corpus_is_that_of_the_pool(tmp_path: Path) -> None:
    counts: list[int] = []
    ours = by_ray(Synthetic(SETTINGS), tmp_path / "ray", counts.append)
    theirs = write(Synthetic(SETTINGS), tmp_path / "pool", lambda _: None)
    assert ours.fingerprint == theirs.fingerprint
    assert counts == sorted(counts)
    assert (counts[0], counts[-1]) == (0, SAMPLES)


def test_the_block_of_a_killed_worker_is_made_again(tmp_path: Path) -> None:
    source = Deadly(tmp_path / "read")
    corpus = by_ray(source, tmp_path / "corpus", lambda _: None)
    assert (tmp_path / "read.victim").read_text() in source.read_ids
    assert len(corpus) == SAMPLES


def test_after_an_interruption_only_what_is_missing_is_read(tmp_path: Path) -> None:
    first = Noting(tmp_path / "first", seconds=0.05)

    def interrupt(done: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        by_ray(first, tmp_path / "corpus", interrupt)
    assert not (tmp_path / "corpus").exists()
    assert len(_when_quiet(first)) < SAMPLES

    counts: list[int] = []
    second = Noting(tmp_path / "second")
    by_ray(second, tmp_path / "corpus", counts.append)
    assert 0 < counts[0] < SAMPLES
    assert len(second.read_ids) == SAMPLES - counts[0]


def test_a_users_error_arrives_as_one(tmp_path: Path) -> None:
    source = Synthetic(SETTINGS)
    with pytest.raises(UserError, match="the disk is full") as caught:
        list(make_blocks_on_ray(maker_of(Refusing, source, tmp_path), block_of(source)))
    assert type(caught.value) is UserError


def test_a_mistake_of_ours_stays_one(tmp_path: Path) -> None:
    source = Synthetic(SETTINGS)
    with pytest.raises(ZeroDivisionError):
        list(make_blocks_on_ray(maker_of(Broken, source, tmp_path), block_of(source)))


def test_a_storage_that_a_node_does_not_see_is_refused(tmp_path: Path) -> None:
    source = Synthetic(SETTINGS)
    with pytest.raises(UserError, match="a node of the Ray cluster, does not see") as caught:
        list(make_blocks_on_ray(maker_of(BlockMaker, source, tmp_path / "no"), block_of(source)))
    assert "all nodes of the cluster share" in str(caught.value)


def _when_quiet(source: Noting) -> set[str]:
    """Return what was read when nothing has been read for a while: all tasks have ended."""
    before: set[str] = set()
    while before != (before := source.read_ids):
        time.sleep(0.5)
    return before
