"""Saliency, and the focal channels that follow from it."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from fckd.config.experiment import Criterion
from fckd.distill.focal import descending, focal_count, gather_channels
from fckd.distill.saliency import saliency
from tests.distill.maps import feature_map, normal

FEATURES = torch.tensor([[[1.0, -3.0], [2.0, 2.0]], [[0.0, 0.0], [5.0, 1.0]]])
HEAD = torch.tensor([[1.0, -1.0], [0.5, 2.0]])
LABELS = torch.tensor([1, 0])

each_criterion = pytest.mark.parametrize("criterion", list(Criterion))


def ranked(criterion, features=FEATURES, labels=LABELS, head=HEAD, seed=0):
    return saliency(criterion, features, labels, head, torch.Generator().manual_seed(seed))


def test_magnitude_is_the_mean_absolute_activation():
    assert_close(ranked(Criterion.MAGNITUDE), torch.tensor([[2.0, 2.0], [0.0, 3.0]]))


def test_variance_is_over_positions():
    assert_close(ranked(Criterion.VARIANCE), torch.tensor([[4.0, 0.0], [0.0, 4.0]]))


def test_cam_is_the_evidence_for_the_true_class():
    # Means are (-1, 2) and (0, 3); the true classes' weights, rectified, (0.5, 2) and (1, 0).
    assert_close(ranked(Criterion.CAM), torch.tensor([[-0.5, 4.0], [0.0, 0.0]]))


def test_cam_is_what_a_channel_adds_to_the_true_class_logit():
    features = feature_map(3, 4, 5)
    head, labels = normal(6, 4).abs(), torch.tensor([5, 0, 2])
    logits = features.mean(dim=2) @ head.T
    summed = ranked(Criterion.CAM, features, labels, head).sum(dim=1)
    assert_close(summed, logits[torch.arange(3), labels])


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


@pytest.mark.parametrize("criterion", [Criterion.MAGNITUDE, Criterion.VARIANCE, Criterion.RANDOM])
def test_only_cam_reads_the_label(criterion):
    assert ranked(criterion, labels=LABELS).equal(ranked(criterion, labels=1 - LABELS))
    assert not ranked(Criterion.CAM).equal(ranked(Criterion.CAM, labels=1 - LABELS))


@pytest.mark.parametrize("criterion", [Criterion.MAGNITUDE, Criterion.VARIANCE, Criterion.CAM])
def test_each_sample_is_ranked_by_itself(criterion):
    features, labels = normal(4, 3, 5), torch.tensor([0, 1, 1, 0])
    head = normal(2, 3, seed=1)
    together = ranked(criterion, features, labels, head)
    alone = [ranked(criterion, features[n : n + 1], labels[n : n + 1], head) for n in range(4)]
    assert_close(together, torch.cat(alone))


@each_criterion
@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_saliency_is_float32_whatever_the_features_are(criterion, dtype):
    found = ranked(criterion, FEATURES.to(dtype), head=HEAD.to(dtype))
    assert found.dtype == torch.float32
    assert_close(found, ranked(criterion))


def test_channels_come_in_descending_saliency():
    order = descending(torch.tensor([[0.1, 0.9, 0.5], [3.0, 2.0, 1.0]]))
    assert order.tolist() == [[1, 2, 0], [0, 1, 2]]


@given(st.lists(st.sampled_from([0.0, 1.0, 2.0]), min_size=1, max_size=40))
def test_tied_channels_keep_their_order(values):
    order = descending(torch.tensor([values])).tolist()[0]
    assert order == sorted(range(len(values)), key=lambda c: (-values[c], c))


@pytest.mark.parametrize(
    ("ratio", "channels", "count"),
    [
        (1.0, 64, 64),
        (0.5, 64, 32),
        (0.25, 10, 2),
        (0.26, 10, 3),
        (0.1, 4, 1),
        (0.001, 64, 1),
        (1.0, 1, 1),
        (0.999, 64, 64),
    ],
)
def test_the_focal_count_is_rounded_and_at_least_one(ratio, channels, count):
    assert focal_count(ratio, channels) == count


@given(st.floats(0, 1, exclude_min=True), st.integers(1, 2048))
def test_the_focal_count_lies_between_one_and_all(ratio, channels):
    assert 1 <= focal_count(ratio, channels) <= channels


@given(st.floats(0, 1, exclude_min=True), st.floats(0, 1, exclude_min=True), st.integers(1, 99))
def test_a_larger_ratio_never_has_fewer_focal_channels(one, other, channels):
    small, large = sorted((one, other))
    assert focal_count(small, channels) <= focal_count(large, channels)


@pytest.mark.parametrize("grid", [(), (4,), (4, 3), (2, 3, 4)])
def test_gathering_takes_each_samples_own_channels_on_any_grid(grid):
    features = normal(2, 5, *grid)
    gathered = gather_channels(features, torch.tensor([[4, 0], [1, 1]]))
    assert gathered.equal(torch.stack([features[0, [4, 0]], features[1, [1, 1]]]))


def test_gathering_hands_the_gradient_to_the_chosen_channels_only():
    features = normal(1, 3, 2).requires_grad_()
    gather_channels(features, torch.tensor([[2, 0]])).sum().backward()
    assert features.grad[0].tolist() == [[1, 1], [0, 0], [1, 1]]
