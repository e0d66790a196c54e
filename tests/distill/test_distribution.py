"""The distribution term."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from fckd.distill.distribution import distribution_loss
from tests.distill.maps import SHAPES, cwd, feature_map, normal, permuted

TEMPERATURES = st.sampled_from([0.5, 1.0, 4.0])


@given(SHAPES, TEMPERATURES)
def test_it_is_cwd_over_all_channels(shape, temperature):
    student, teacher = normal(*shape, seed=1), normal(*shape, seed=2)
    value = float(distribution_loss(student, teacher, temperature))
    assert value == pytest.approx(cwd(student, teacher, temperature), rel=1e-4, abs=1e-6)


@given(SHAPES, TEMPERATURES)
def test_identical_features_give_zero(shape, temperature):
    features = normal(*shape)
    assert float(distribution_loss(features, features.clone(), temperature)) == 0


@given(SHAPES, TEMPERATURES)
def test_it_is_never_negative(shape, temperature):
    student, teacher = normal(*shape, seed=1), normal(*shape, seed=2)
    assert float(distribution_loss(student, teacher, temperature)) > -1e-6


@given(SHAPES)
def test_permuting_the_channels_of_both_sides_changes_nothing(shape):
    student, teacher = normal(*shape, seed=1), normal(*shape, seed=2)
    order = permuted(shape[1])
    assert_close(
        distribution_loss(student[:, order], teacher[:, order], 2.0),
        distribution_loss(student, teacher, 2.0),
    )


@given(SHAPES)
def test_permuting_the_positions_of_both_sides_changes_nothing(shape):
    student, teacher = normal(*shape, seed=1), normal(*shape, seed=2)
    order = permuted(shape[2])
    assert_close(
        distribution_loss(student[..., order], teacher[..., order], 2.0),
        distribution_loss(student, teacher, 2.0),
    )


def test_permuting_the_positions_of_one_side_only_changes_it():
    student, teacher = normal(2, 3, 4, seed=1), normal(2, 3, 4, seed=2)
    before, after = (distribution_loss(s, teacher, 1.0) for s in (student, student.flip(2)))
    assert abs(float(before - after)) > 1e-3


def test_adding_a_constant_to_a_channel_changes_nothing():
    student, teacher = normal(2, 3, 4, seed=1), normal(2, 3, 4, seed=2)
    assert_close(
        distribution_loss(student + normal(2, 3, 1), teacher, 1.0),
        distribution_loss(student, teacher, 1.0),
    )


def test_scaling_features_and_temperature_together_scales_it_by_the_square():
    student, teacher = normal(2, 3, 4, seed=1), normal(2, 3, 4, seed=2)
    assert_close(
        distribution_loss(3 * student, 3 * teacher, 3.0),
        9 * distribution_loss(student, teacher, 1.0),
    )


def test_a_known_value():
    # (¾, ¼) against (½, ½): ¾ ln 1.5 + ¼ ln 0.5.
    teacher = torch.tensor([[[3.0, 1.0]]]).log()
    wanted = 0.75 * torch.tensor(1.5).log() + 0.25 * torch.tensor(0.5).log()
    assert_close(distribution_loss(torch.zeros(1, 1, 2), teacher, 1.0), wanted)


def test_it_is_the_mean_over_samples_and_channels():
    student, teacher = normal(4, 3, 5, seed=1), normal(4, 3, 5, seed=2)
    single = [
        distribution_loss(student[n : n + 1, k : k + 1], teacher[n : n + 1, k : k + 1], 2.0)
        for n in range(4)
        for k in range(3)
    ]
    assert_close(distribution_loss(student, teacher, 2.0), torch.stack(single).mean())


def test_a_single_position_has_nothing_to_tell():
    student = normal(2, 3, 1, seed=1).requires_grad_()
    loss = distribution_loss(student, normal(2, 3, 1, seed=2), 1.0)
    loss.backward()
    assert float(loss.detach()) == 0
    assert student.grad.eq(0).all()


@pytest.mark.parametrize("side", ["student", "teacher", "both"])
@pytest.mark.parametrize("value", [0.0, 1e4])
def test_silent_and_constant_channels_give_finite_values_and_gradients(side, value):
    student, teacher = feature_map(2, 3, 4, seed=1), feature_map(2, 3, 4, seed=2)
    for name, features in (("student", student), ("teacher", teacher)):
        if side in (name, "both"):
            features[0] = value
    student.requires_grad_()
    loss = distribution_loss(student, teacher, 1.0)
    loss.backward()
    assert loss.isfinite()
    assert student.grad.isfinite().all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_gives_a_finite_float32_also_where_a_probability_vanishes(dtype):
    student = torch.tensor([[[0.0, 300.0], [60000.0, 0.0]]], dtype=dtype)
    loss = distribution_loss(student, student.flip(2), 1.0)
    assert loss.dtype == torch.float32
    assert_close(loss, (student[0, 0, 1].float() + student[0, 1, 0].float()) / 2)


def test_its_gradient_is_that_of_its_formula():
    student = normal(2, 3, 4, dtype=torch.float64).requires_grad_()
    teacher = normal(2, 3, 4, seed=1, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda s: distribution_loss(s, teacher, 2.0), student)


def test_no_gradient_reaches_the_teacher():
    student, teacher = (normal(2, 3, 4, seed=s).requires_grad_() for s in (1, 2))
    distribution_loss(student, teacher, 1.0).backward()
    assert student.grad.abs().sum() > 0
    assert teacher.grad is None
