"""What the correlation term promises beyond what every term does."""

import pytest
import torch
from hypothesis import given
from torch.testing import assert_close

from fckd.distill.correlation import correlation_loss, gram
from fckd.distill.embedding import Embedding
from fckd.distill.unit import unit
from tests.distill.maps import SHAPES, feature_map, normal, permuted


@given(SHAPES)
def test_it_lies_between_0_and_2_for_features_that_are_not_negative(shape):
    values = correlation_loss(feature_map(*shape, seed=1), feature_map(*shape, seed=2))
    assert values.min() >= 0
    assert values.max() <= 2


def test_channels_that_are_alike_against_channels_that_share_nothing_give_a_known_value():
    alike, apart = torch.ones(1, 2, 2), torch.eye(2).unsqueeze(0)
    # Each row is (√½, √½) on one side and a unit vector on the other: 2 − √2 apart.
    assert float(correlation_loss(alike, apart)) == pytest.approx(2 - 2**0.5)


def test_permuting_the_channels_of_one_side_only_changes_it():
    student, teacher = feature_map(2, 4, 6, seed=1), feature_map(2, 4, 6, seed=2)
    order = torch.tensor([1, 0, 3, 2])
    before, after = correlation_loss(student, teacher), correlation_loss(student[:, order], teacher)
    assert (before - after).abs().min() > 1e-3


@given(SHAPES)
def test_the_order_of_positions_means_nothing(shape):
    student, teacher = feature_map(*shape, seed=1), feature_map(*shape, seed=2)
    assert_close(
        correlation_loss(student[:, :, permuted(shape[2])], teacher),
        correlation_loss(student, teacher),
    )


def test_scaling_one_channel_changes_it():
    student, teacher = feature_map(3, 5, 7, seed=1) + 0.1, feature_map(3, 5, 7, seed=2)
    louder = student * torch.tensor([10.0, 1, 1, 1, 1]).reshape(1, 5, 1)
    change = correlation_loss(louder, teacher) - correlation_loss(student, teacher)
    assert change.abs().min() > 1e-3


def test_the_two_sides_may_have_unlike_numbers_of_positions():
    once, thrice = feature_map(2, 4, 5), feature_map(2, 4, 5).repeat(1, 1, 3)
    assert_close(correlation_loss(once, thrice), torch.zeros(2), rtol=0, atol=1e-10)


def test_emphasis_counts_the_rows():
    student, teacher = feature_map(2, 3, 5, seed=1), feature_map(2, 3, 5, seed=2)
    weights = torch.tensor([[3.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    rows = (unit(gram(student), dim=2) - unit(gram(teacher), dim=2)).square().sum(dim=2)
    wanted = torch.stack([rows[0, 0], rows[1].mean()])
    assert_close(correlation_loss(student, teacher, weights), wanted)


def test_channels_that_all_count_alike_are_the_hard_selection():
    student, teacher = feature_map(2, 3, 5, seed=1), feature_map(2, 3, 5, seed=2)
    hard = correlation_loss(student, teacher)
    assert correlation_loss(student, teacher, torch.ones(2, 3)).equal(hard)


def test_each_row_of_the_correlation_has_length_1_or_is_that_of_a_silent_channel():
    features = feature_map(2, 4, 6) + 0.1
    features[0, 1] = 0
    lengths = unit(gram(features), dim=2).norm(dim=2)
    silent = torch.zeros(2, 4, dtype=torch.bool)
    silent[0, 1] = True
    assert_close(lengths, (~silent).float())


def test_a_channel_that_the_embedding_silences_disturbs_no_other():
    torch.manual_seed(1)
    embedding = Embedding(3, 4)
    with torch.no_grad():
        embedding.normalization.bias[2] = -100
    student = normal(2, 3, 5).requires_grad_()
    correlation_loss(embedding(student), feature_map(2, 4, 5) + 0.1).sum().backward()
    assert 0 < float(student.grad.abs().max()) < 10
    assert embedding.projection.weight.grad[2].eq(0).all()
