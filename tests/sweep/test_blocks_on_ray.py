"""What is checked around blocks that other machines make, without a cluster."""

from dataclasses import replace

import pytest

from fckd.config.networks import Modality
from fckd.data.blocks import BlockMaker
from fckd.data.shards import Columns
from fckd.data.sources.synthetic import Synthetic
from fckd.data.workers import make_blocks
from fckd.errors import UserError
from fckd.sweep import blocks_on_ray
from fckd.sweep.blocks_on_ray import make_blocks_on_ray
from fckd.sweep.given import who_makes_blocks
from tests.data.conftest import SMALL

SKELETON = (Modality.SKELETON,)


@pytest.fixture
def source():
    return Synthetic(SMALL)


@pytest.fixture
def maker(source, tmp_path):
    return BlockMaker(source, Columns(SKELETON, ("cross-subject",), {}), tmp_path, tmp_path)


def test_the_given_cluster_makes_blocks_and_without_one_this_machine(monkeypatch):
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    assert who_makes_blocks(shared=True) is make_blocks
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:6379")
    assert who_makes_blocks(shared=True) is make_blocks_on_ray


def test_what_one_machine_alone_sees_it_makes_itself(monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:6379")
    assert who_makes_blocks(shared=False) is make_blocks


def test_without_blocks_no_cluster_is_asked(maker, monkeypatch):
    monkeypatch.setenv("RAY_ADDRESS", "127.0.0.1:1")
    assert list(make_blocks_on_ray(maker, {})) == []


def test_raw_files_that_a_node_does_not_see_are_no_damage(maker, source, tmp_path):
    (recording, *_) = source.recordings(())
    unseen = replace(recording, files={Modality.SKELETON: tmp_path / "elsewhere.mat"})
    made = blocks_on_ray._make(maker, 0, [unseen])
    assert isinstance(made.result, UserError)
    assert f"does not see {tmp_path / 'elsewhere.mat'}" in made.result.given
    assert list(tmp_path.iterdir()) == []


def test_a_finished_shard_that_the_driver_does_not_see_is_refused(maker, source, monkeypatch):
    made = blocks_on_ray._make(maker, 0, source.recordings(())[:2])
    blocks_on_ray._wait_for(maker, made.result, "node-2")
    monkeypatch.setattr(blocks_on_ray, "SEEN_SECONDS", 0.0)
    (maker.shards / made.result.shard.name).unlink()
    with pytest.raises(UserError, match=r"node-2 has finished .* does not see") as caught:
        blocks_on_ray._wait_for(maker, made.result, "node-2")
    assert "all nodes of the Ray cluster share" in caught.value.expected
