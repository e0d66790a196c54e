"""Vectors of length 1."""

import pytest
import torch
from torch.testing import assert_close

from fckd.distill.unit import unit
from tests.distill.maps import normal


def test_vectors_get_length_1_along_the_axis_that_is_named():
    values = normal(2, 3, 4)
    for dim in range(3):
        assert_close(unit(values, dim).norm(dim=dim), torch.ones_like(values.norm(dim=dim)))


def test_zeros_stay_zeros_and_get_no_gradient():
    values = torch.tensor([[0.0, 0.0], [3.0, 4.0]], requires_grad=True)
    directions = unit(values, 1)
    assert_close(directions, torch.tensor([[0.0, 0.0], [0.6, 0.8]]))
    (directions * torch.tensor([[5.0, 7.0]])).sum().backward()
    assert values.grad[0].eq(0).all()
    assert values.grad[1].abs().sum() > 0


@pytest.mark.parametrize("scale", [1e-15, 1e15])
def test_the_length_of_a_vector_means_nothing(scale):
    values = normal(3, 4)
    assert_close(unit(scale * values, 1), unit(values, 1))
