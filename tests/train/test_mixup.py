"""Pairs of samples are mixed, and taught by both lessons."""

import numpy as np
import pytest
import torch
from torch.nn import functional as F
from torch.testing import assert_close

from fckd.config.objective import ObjectiveSettings
from fckd.distill.lesson import Lesson
from fckd.distill.objective import Answer, Objective, total
from fckd.errors import UserError
from fckd.train.batches import batches
from fckd.train.inputs import inputs
from fckd.train.lessons import Wish
from fckd.train.loop import distill
from fckd.train.material import materials
from fckd.train.mixup import blended, own_share
from fckd.train.world import World
from tests.train.small import ALONE, changed, make, same, state, told, trained
from tests.train.test_batches import Rank


@pytest.fixture(scope="module")
def study(workshop):
    make(workshop, changed())

    def of(fields=None, /, **training):
        return workshop.study(changed(fields, **training), "train")

    return of


def objective(**terms):
    return Objective(ObjectiveSettings.model_validate(terms))


def values(answer, lessons, labels, own, **terms):
    """Return the blended objective of a batch."""
    ask = objective(**terms)
    mine = ask(answer, lessons, labels)
    theirs = ask(
        answer,
        {name: Lesson(taught.logits.roll(1, 0)) for name, taught in lessons.items()},
        labels.roll(1),
    )
    return total(blended(mine, theirs, own))


def answers(samples=4, classes=3):
    logits = torch.randn(samples, classes, requires_grad=True)
    return Answer(logits, torch.randn(samples, 2, 4), {})


def test_cross_entropy_is_that_of_the_mixed_label():
    answer, labels = answers(), torch.tensor([0, 1, 2, 0])
    soft = 0.7 * F.one_hot(labels, 3) + 0.3 * F.one_hot(labels.roll(1), 3)
    assert_close(values(answer, {}, labels, 0.7), F.cross_entropy(answer.logits, soft.float()))


def test_logits_teach_the_mixed_answer_of_the_teacher():
    answer, labels = answers(), torch.tensor([0, 1, 2, 0])
    taught = torch.randn(4, 3)
    terms = {"logits": {"weight": 1.0, "temperature": 2.0}}
    loss = values(answer, {"skeleton": Lesson(taught)}, labels, 0.7, **terms)
    loss = loss - values(answer, {}, labels, 0.7)
    (ours,) = torch.autograd.grad(loss, answer.logits)
    targets = (taught / 2).softmax(1)
    targets = 0.7 * targets + 0.3 * targets.roll(1, 0)
    plain = 4 * F.kl_div((answer.logits / 2).log_softmax(1), targets, reduction="batchmean")
    (theirs,) = torch.autograd.grad(plain, answer.logits)
    assert_close(ours, theirs)


def test_reading_label_and_lesson_are_those_of_the_neighbour_in_the_batch(study):
    mixing = study(mixup=0.5, batch_size=6)
    (batch,) = batches(mixing, 1, World())
    ((part,),) = materials(mixing, 1, World(), torch.device("cpu"), taught=True)
    samples, views = np.roll(batch.samples, 1), np.roll(batch.views, 1)
    np.testing.assert_array_equal(part.partners.labels, mixing.labels[samples])
    wish = Wish(mixing.focal, False, batch.whole)
    for name, store in mixing.lessons.items():
        wanted = store.read(samples, views, wish, torch.device("cpu"))
        assert part.partners.lessons[name].features.equal(wanted.features)
        assert part.partners.lessons[name].logits.equal(wanted.logits)
    (own,) = inputs(mixing.readings, batch.samples, batch.views, torch.device("cpu"))
    (other,) = inputs(mixing.readings, samples, views, torch.device("cpu"))
    assert_close(part.readings[0], batch.own * own + (1 - batch.own) * other)


@pytest.mark.parametrize("alpha", [0.2, 1.0, 8.0])
def test_most_of_a_sample_is_its_own(alpha):
    draw = np.random.default_rng(0)
    shares = [own_share(draw, alpha) for _ in range(200)]
    assert 0.5 <= min(shares) < max(shares) <= 1
    assert own_share(draw, 0.0) == 1


def test_without_mixup_nothing_is_drawn():
    draw = np.random.default_rng(0)
    before = draw.bit_generator.state
    own_share(draw, 0.0)
    assert draw.bit_generator.state == before


def test_all_ranks_mix_alike_and_every_batch_anew(study):
    mixing = study(mixup=0.5, batch_size=2)
    first, second = (
        [batch.own for batch in batches(mixing, 1, Rank(rank, 2))] for rank in range(2)
    )
    assert first == second
    assert len(set(first)) == len(first) == 3


def test_mixing_changes_what_is_learnt_and_a_resumed_run_mixes_alike(study):
    plain = state(trained(study()).network)
    mixing = study(mixup=0.5)
    first, last = distill(mixing)
    assert not same(plain, state(last.network))
    checkpoint = next(iter(distill(mixing))).checkpoint()
    assert same(state(last.network), state(trained(mixing, checkpoint).network))
    assert set(told(first)) == set(told(next(iter(distill(study())))))


def test_a_student_alone_mixes_too(study):
    alone = study(ALONE, mixup=0.5)
    assert not same(state(trained(alone).network), state(trained(study(ALONE)).network))


def test_teachers_that_learn_along_do_not_mix():
    with pytest.raises(UserError, match="mixup needs frozen teachers"):
        changed({"teaching": "together", "training.mixup": 0.5})
