"""Saliency: how a teacher's channels are ranked."""

import pytest
import torch
from torch.testing import assert_close

from fckd.config.experiment import Criterion
from fckd.distill.focal import descending
from fckd.distill.saliency import Evidence, saliency
from tests.distill.maps import feature_map, normal

FEATURES = torch.tensor([[[1.0, -3.0], [2.0, 2.0]], [[0.0, 0.0], [5.0, 1.0]]])
HEAD = torch.tensor([[1.0, -1.0], [0.5, 2.0]])
GRADIENT = torch.tensor([[[2.0, 0.0], [-1.0, -3.0]], [[1.0, 1.0], [1.0, -1.0]]])
LABELS = torch.tensor([1, 0])

each_criterion = pytest.mark.parametrize("criterion", list(Criterion))
BLIND = [Criterion.MAGNITUDE, Criterion.VARIANCE, Criterion.RANDOM, Criterion.ALL]


def ranked(criterion, features=FEATURES, labels=LABELS, head=HEAD, gradient=GRADIENT, seed=0):
    evidence = Evidence(labels, head, gradient, torch.Generator().manual_seed(seed))
    return saliency(criterion, features, evidence)


def test_magnitude_is_the_mean_absolute_activation():
    assert_close(ranked(Criterion.MAGNITUDE), torch.tensor([[2.0, 2.0], [0.0, 3.0]]))


def test_variance_is_over_positions():
    assert_close(ranked(Criterion.VARIANCE), torch.tensor([[4.0, 0.0], [0.0, 4.0]]))


def test_cam_is_the_evidence_for_the_true_class_and_never_against_it():
    # Means are (-1, 2) and (0, 3); times the true classes' weights (-0.5, 4) and (0, -3).
    assert_close(ranked(Criterion.CAM), torch.tensor([[0.0, 4.0], [0.0, 0.0]]))


def test_cam_is_what_a_channel_adds_to_the_true_class_logit():
    features = feature_map(3, 4, 5)
    head, labels = normal(6, 4).abs(), torch.tensor([5, 0, 2])
    logits = features.mean(dim=2) @ head.T
    summed = ranked(Criterion.CAM, features, labels, head).sum(dim=1)
    assert_close(summed, logits[torch.arange(3), labels])


def test_gradient_is_the_size_of_the_mean_gradient_times_the_magnitude():
    # Mean gradients are (1, -2) and (1, 0), magnitudes (2, 2) and (0, 3).
    assert_close(ranked(Criterion.GRADIENT), torch.tensor([[2.0, 4.0], [0.0, 0.0]]))


def test_with_a_linear_head_on_means_gradient_and_cam_rank_alike():
    features, head, labels = feature_map(3, 4, 5), normal(6, 4).abs(), torch.tensor([5, 0, 2])
    gradient = head[labels].unsqueeze(2).expand(-1, -1, 5) / 5
    cam = ranked(Criterion.CAM, features, labels, head)
    assert_close(ranked(Criterion.GRADIENT, features, labels, gradient=gradient), cam / 5)


def test_all_has_no_order():
    assert descending(ranked(Criterion.ALL)).tolist() == [[0, 1], [0, 1]]


@pytest.mark.parametrize(
    ("criterion", "missing"), [(Criterion.CAM, "classifier"), (Criterion.GRADIENT, "gradient")]
)
def test_a_criterion_without_its_evidence_says_what_it_needs(criterion, missing):
    with pytest.raises(ValueError, match=f"needs .*{missing}"):
        ranked(criterion, head=None, gradient=None)


def test_random_is_reproducible_and_knows_neither_features_nor_labels():
    one = ranked(Criterion.RANDOM, seed=3)
    other = ranked(Criterion.RANDOM, 9 * FEATURES, 1 - LABELS, -HEAD, seed=3)
    assert_close(one, other, rtol=0, atol=0)
    assert not one.equal(ranked(Criterion.RANDOM, seed=4))


def test_random_prefers_no_channel():
    features = feature_map(4000, 4, 1)
    first = descending(ranked(Criterion.RANDOM, features, torch.zeros(4000, dtype=torch.long)))
    shares = first[:, 0].bincount(minlength=4) / 4000
    assert_close(shares, torch.full((4,), 0.25), rtol=0, atol=0.03)


@pytest.mark.parametrize("criterion", BLIND)
def test_only_cam_and_gradient_ask_for_more_than_the_features(criterion):
    alone = ranked(criterion, labels=1 - LABELS, head=None, gradient=None)
    assert ranked(criterion).equal(alone)


@pytest.mark.parametrize("criterion", [c for c in Criterion if c is not Criterion.RANDOM])
def test_each_sample_is_ranked_by_itself(criterion):
    features, labels = normal(4, 3, 5), torch.tensor([0, 1, 1, 0])
    head, gradient = normal(2, 3, seed=1), normal(4, 3, 5, seed=2)
    together = ranked(criterion, features, labels, head, gradient)
    alone = [ranked(criterion, features[[n]], labels[[n]], head, gradient[[n]]) for n in range(4)]
    assert_close(together, torch.cat(alone))


@each_criterion
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_saliency_is_float32_and_not_negative_whatever_the_features_are(criterion, dtype):
    found = ranked(criterion, FEATURES.to(dtype), head=HEAD.to(dtype), gradient=GRADIENT.to(dtype))
    assert found.dtype == torch.float32
    assert found.min() >= 0
    assert_close(found, ranked(criterion))
