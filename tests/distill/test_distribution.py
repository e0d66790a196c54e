"""What the distribution term promises beyond what every term does."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from fckd.distill.distribution import channel_distribution_loss, distribution_loss
from tests.distill.maps import SHAPES, normal, permuted
from tests.distill.terms import loss_of, sides

TEMPERATURES = st.sampled_from([0.5, 1.0, 4.0])


@given(SHAPES, TEMPERATURES)
def test_it_is_never_negative(shape, temperature):
    student, teacher = normal(*shape, seed=1), normal(*shape, seed=2)
    assert distribution_loss(student, teacher, temperature).min() > -1e-6


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
    assert (before - after).abs().min() > 1e-3


def test_adding_a_constant_to_a_channel_changes_nothing():
    student, teacher = normal(2, 3, 4, seed=1), normal(2, 3, 4, seed=2)
    assert_close(
        distribution_loss(student + normal(2, 3, 1), teacher, 1.0),
        distribution_loss(student, teacher, 1.0),
    )


def test_a_known_value():
    # (¾, ¼) against (½, ½): ¾ ln 1.5 + ¼ ln 0.5.
    teacher = torch.tensor([[[3.0, 1.0]]]).log()
    wanted = 0.75 * torch.tensor([1.5]).log() + 0.25 * torch.tensor([0.5]).log()
    assert_close(distribution_loss(torch.zeros(1, 1, 2), teacher, 1.0), wanted)


def test_emphasis_counts_the_channels():
    student, teacher = normal(2, 3, 5, seed=1), normal(2, 3, 5, seed=2)
    apart = [distribution_loss(student[:, k : k + 1], teacher[:, k : k + 1], 2.0) for k in range(3)]
    weights = torch.tensor([[3.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
    wanted = (torch.stack(apart, dim=1) * weights).mean(dim=1)
    assert_close(distribution_loss(student, teacher, 2.0, weights), wanted)


def test_channels_that_all_count_alike_are_the_hard_selection():
    student, teacher = normal(2, 3, 5, seed=1), normal(2, 3, 5, seed=2)
    hard = distribution_loss(student, teacher, 2.0)
    assert distribution_loss(student, teacher, 2.0, torch.ones(2, 3)).equal(hard)


def test_a_single_position_has_nothing_to_tell():
    student = normal(2, 3, 1, seed=1).requires_grad_()
    loss = distribution_loss(student, normal(2, 3, 1, seed=2), 1.0)
    loss.sum().backward()
    assert loss.eq(0).all()
    assert student.grad.eq(0).all()


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_where_a_probability_vanishes_the_divergence_is_large_but_finite(dtype):
    student = torch.tensor([[[0.0, 300.0], [60000.0, 0.0]]], dtype=dtype)
    loss = distribution_loss(student, student.flip(2), 1.0)
    assert_close(loss, (student[0, 0, 1:].float() + student[0, 1, :1].float()) / 2)


def test_over_channels_it_reads_nothing_but_the_channels_means():
    student, teacher = normal(2, 5, 3, 4, seed=1), normal(2, 5, 6, seed=2)
    means = student.mean(dim=(2, 3), keepdim=True), teacher.mean(dim=2, keepdim=True)
    assert_close(
        channel_distribution_loss(student, teacher, 2.0), channel_distribution_loss(*means, 2.0)
    )


def test_over_channels_a_known_value():
    teacher = torch.tensor([[[3.0], [1.0]]]).log()
    wanted = 0.75 * torch.tensor([1.5]).log() + 0.25 * torch.tensor([0.5]).log()
    assert_close(channel_distribution_loss(torch.zeros(1, 2, 7), teacher, 1.0), wanted)


def test_the_setting_chooses_between_positions_and_channels():
    student, teacher = sides("distribution")
    over_channels = loss_of("distribution", student, teacher, over="channels", temperature=2.0)
    assert_close(over_channels, channel_distribution_loss(student, teacher, 2.0))
    assert not torch.allclose(over_channels, loss_of("distribution", student, teacher))
