"""Which samples and views make up a batch."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fckd.train.batches import batches, batches_per_epoch
from fckd.train.schedule import learning_rate
from tests.train.small import ALONE, BASE, LEARNING, changed


@dataclass(frozen=True)
class Rank:
    """A place among ranks, as `World` is one."""

    rank: int = 0
    size: int = 1


ONE = Rank()


@pytest.fixture(scope="session")
def study(workshop):
    return workshop.study(changed(ALONE), "train")


def drawn(study, epoch=1, world=ONE, **training):
    study = replace(study, training=study.training.model_copy(update=training))
    return [(b.samples.tolist(), b.views.tolist()) for b in batches(study, epoch, world)]


def with_learners(study, count):
    return replace(study, learn=np.arange(100, 100 + count))


def test_an_epoch_shows_every_sample_once(study):
    shown = [sample for samples, _ in drawn(study, batch_size=2) for sample in samples]
    assert sorted(shown) == study.learn.tolist()


@given(st.integers(2, 40), st.integers(2, 16), st.integers(1, 9))
def test_batches_are_full_equal_and_without_repetition(study, learners, size, epoch):
    study = with_learners(study, learners)
    found = drawn(study, epoch, batch_size=size)
    assert {len(samples) for samples, _ in found} == {min(size, learners)}
    shown = [sample for samples, _ in found for sample in samples]
    assert len(set(shown)) == len(shown)
    assert set(shown) <= set(study.learn.tolist())
    assert learners - len(shown) < size
    settings = study.training.model_copy(update={"batch_size": size})
    assert len(found) == batches_per_epoch(replace(study, training=settings))


def test_what_is_left_out_of_an_epoch_is_not_always_the_same(study):
    shown = [{s for samples, _ in drawn(study, e, batch_size=4) for s in samples} for e in range(9)]
    assert set.union(*shown) == set(study.learn.tolist())
    assert all(len(some) == 4 for some in shown)


def test_only_the_random_views_are_learnt_and_all_of_them(study):
    views = {v for epoch in range(1, 20) for _, views in drawn(study, epoch) for v in views}
    assert views == set(range(1, BASE.views.count + 1))


def test_batches_are_a_function_of_seed_and_epoch(study):
    assert drawn(study, 3, seed=5) == drawn(study, 3, seed=5)
    assert drawn(study, 3, seed=5) != drawn(study, 4, seed=5)
    assert drawn(study, 3, seed=5) != drawn(study, 3, seed=6)


@given(st.sampled_from([1, 2, 3, 4]), st.integers(1, 4), st.integers(4, 40))
def test_the_ranks_shares_together_are_the_batch_of_one_rank(study, ranks, share, learners):
    study = with_learners(study, max(learners, ranks * share))
    size = ranks * share
    whole = drawn(study, batch_size=size)
    shares = [drawn(study, world=Rank(r, ranks), batch_size=size) for r in range(ranks)]
    for number, (samples, views) in enumerate(whole):
        parts = [taken[number] for taken in shares]
        assert all(len(part[0]) == share for part in parts)
        pairs = [pair for part in parts for pair in zip(*part, strict=True)]
        assert sorted(pairs) == sorted(zip(samples, views, strict=True))


def test_a_batch_larger_than_the_corpus_is_the_corpus(study):
    ((samples, _),) = drawn(study, batch_size=64)
    assert sorted(samples) == study.learn.tolist()
    assert len(samples) == LEARNING


def rates(epochs, warmup, steps=5):
    settings = BASE.training.model_copy(
        update={"epochs": epochs, "warmup_epochs": warmup, "learning_rate": 0.1}
    )
    return [learning_rate(settings, step, steps) for step in range(epochs * steps + 1)]


def test_the_learning_rate_climbs_evenly_to_its_height_and_falls_to_zero():
    found = rates(epochs=4, warmup=2)
    assert found[:10] == pytest.approx([0.01 * (step + 1) for step in range(10)])
    assert found[10] == pytest.approx(0.1)
    assert found[15] == pytest.approx(0.05)
    assert found[20] == pytest.approx(0)
    assert np.diff(found[10:]).max() < 0


def test_without_warm_up_the_learning_rate_begins_at_its_height():
    assert rates(epochs=3, warmup=0)[0] == pytest.approx(0.1)
    assert rates(epochs=1, warmup=2)[0] == pytest.approx(0.1)


def test_a_warm_up_longer_than_the_run_leaves_the_last_epoch_to_the_fall():
    found = rates(epochs=3, warmup=9)
    assert max(found) == found[9] == pytest.approx(0.1)
    assert found[-1] == pytest.approx(0)


@given(st.integers(1, 20), st.integers(0, 20), st.integers(1, 9))
def test_no_step_is_without_a_learning_rate_or_above_its_height(epochs, warmup, steps):
    found = rates(epochs, warmup, steps)[:-1]
    assert min(found) > 0
    assert max(found) <= 0.1 + 1e-12
