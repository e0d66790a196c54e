"""The correlation term."""

import pytest
import torch
from hypothesis import given
from torch.testing import assert_close

from fckd.distill.correlation import channel_correlation, correlation_loss
from fckd.distill.embedding import Embedding
from tests.distill.maps import SHAPES, feature_map, ickd, normal, permuted


@given(SHAPES)
def test_it_is_ickd_over_all_channels(shape):
    student, teacher = feature_map(*shape, seed=1), feature_map(*shape, seed=2)
    assert float(correlation_loss(student, teacher)) == pytest.approx(ickd(student, teacher), 1e-4)


@given(SHAPES)
def test_identical_features_give_zero(shape):
    features = normal(*shape)
    assert float(correlation_loss(features, features.clone())) == 0


@given(SHAPES)
def test_it_lies_between_0_and_2_for_features_that_are_not_negative(shape):
    value = correlation_loss(feature_map(*shape, seed=1), feature_map(*shape, seed=2))
    assert 0 <= float(value) <= 2


def test_channels_that_are_alike_against_channels_that_share_nothing_give_a_known_value():
    alike, apart = torch.ones(1, 2, 2), torch.eye(2).unsqueeze(0)
    # Each row is (√½, √½) on one side and a unit vector on the other: 2 − √2 apart.
    assert float(correlation_loss(alike, apart)) == pytest.approx(2 - 2**0.5)


@given(SHAPES)
def test_permuting_the_channels_of_both_sides_changes_nothing(shape):
    student, teacher = feature_map(*shape, seed=1), feature_map(*shape, seed=2)
    order = permuted(shape[1])
    assert_close(
        correlation_loss(student[:, order], teacher[:, order]), correlation_loss(student, teacher)
    )


def test_permuting_the_channels_of_one_side_only_changes_it():
    student, teacher = feature_map(2, 4, 6, seed=1), feature_map(2, 4, 6, seed=2)
    order = torch.tensor([1, 0, 3, 2])
    before, after = correlation_loss(student, teacher), correlation_loss(student[:, order], teacher)
    assert abs(float(before - after)) > 1e-3


@given(SHAPES)
def test_the_order_of_positions_means_nothing(shape):
    student, teacher = feature_map(*shape, seed=1), feature_map(*shape, seed=2)
    assert_close(
        correlation_loss(student[:, :, permuted(shape[2])], teacher),
        correlation_loss(student, teacher),
    )


@pytest.mark.parametrize("scale", [1e-3, 0.5, 100.0])
def test_scaling_all_of_one_side_changes_nothing(scale):
    student, teacher = feature_map(3, 5, 7, seed=1), feature_map(3, 5, 7, seed=2)
    assert_close(correlation_loss(scale * student, teacher), correlation_loss(student, teacher))


def test_scaling_one_channel_changes_it():
    student, teacher = feature_map(3, 5, 7, seed=1), feature_map(3, 5, 7, seed=2)
    louder = student * torch.tensor([10.0, 1, 1, 1, 1]).reshape(1, 5, 1)
    assert abs(float(correlation_loss(louder, teacher) - correlation_loss(student, teacher))) > 1e-3


def test_the_two_sides_may_have_unlike_numbers_of_positions():
    once, thrice = feature_map(2, 4, 5), feature_map(2, 4, 5).repeat(1, 1, 3)
    assert float(correlation_loss(once, thrice)) == pytest.approx(0, abs=1e-10)


def test_a_single_channel_correlates_only_with_itself():
    assert float(correlation_loss(feature_map(3, 1, 4) + 1, feature_map(3, 1, 9) + 1)) == 0


def test_it_is_the_mean_over_samples():
    student, teacher = feature_map(4, 3, 5, seed=1), feature_map(4, 3, 5, seed=2)
    single = [correlation_loss(student[n : n + 1], teacher[n : n + 1]) for n in range(4)]
    assert_close(correlation_loss(student, teacher), torch.stack(single).mean())


def test_each_row_of_the_correlation_has_length_1_or_is_that_of_a_silent_channel():
    features = feature_map(2, 4, 6) + 0.1
    features[0, 1] = 0
    lengths = channel_correlation(features).norm(dim=2)
    silent = torch.zeros(2, 4, dtype=torch.bool)
    silent[0, 1] = True
    assert_close(lengths, (~silent).float())


@pytest.mark.parametrize("side", ["student", "teacher", "both"])
@pytest.mark.parametrize("value", [0.0, 1.0])
def test_silent_and_constant_channels_give_finite_values_and_gradients(side, value):
    student, teacher = feature_map(2, 3, 4, seed=1), feature_map(2, 3, 4, seed=2)
    for name, features in (("student", student), ("teacher", teacher)):
        if side in (name, "both"):
            features[0] = value
    student.requires_grad_()
    loss = correlation_loss(student, teacher)
    loss.backward()
    assert loss.isfinite()
    assert student.grad.isfinite().all()


def test_a_silent_channel_behind_the_embedding_gets_no_gradient():
    # The row of a silent channel cannot be normalised: what comes back there is huge, and the
    # embedding's ReLU is what keeps it from the student.
    torch.manual_seed(1)
    embedding = Embedding(3, 4)
    with torch.no_grad():
        embedding.normalization.bias[2] = -100
    student = normal(2, 3, 5).requires_grad_()
    correlation_loss(embedding(student), feature_map(2, 4, 5) + 0.1).backward()
    assert float(student.grad.abs().max()) < 10
    assert embedding.projection.weight.grad[2].eq(0).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_gives_a_finite_float32_where_its_own_products_would_overflow(dtype):
    student, teacher = (1000 * feature_map(2, 3, 4, seed=s) for s in (1, 2))
    loss = correlation_loss(student.to(dtype), teacher.to(dtype))
    assert loss.dtype == torch.float32
    assert_close(loss, correlation_loss(student, teacher), rtol=0.02, atol=0.02)


def test_its_gradient_is_that_of_its_formula():
    student = feature_map(2, 3, 4, dtype=torch.float64) + 0.1
    teacher = feature_map(2, 3, 6, seed=1, dtype=torch.float64)
    assert torch.autograd.gradcheck(
        lambda s: correlation_loss(s, teacher), student.requires_grad_()
    )


def test_no_gradient_reaches_the_teacher():
    student, teacher = (feature_map(2, 3, 4, seed=s).requires_grad_() for s in (1, 2))
    correlation_loss(student, teacher).backward()
    assert student.grad.abs().sum() > 0
    assert teacher.grad is None
