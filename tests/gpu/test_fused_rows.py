"""The GPU's kernel of the rows' distances beside the plain writing in float64."""

import pytest
import torch
from torch.testing import assert_close

from fckd.distill.correlation import plain_row_distances, row_distances
from fckd.distill.kernels import LONGEST

SHAPES = [(2, 5, 5), (64, 128, 128), (1, 1, 1), (4, 512, 512), (1, 3, LONGEST), (1, 3, LONGEST + 1)]


def sides(shape, gpu):
    generator = torch.Generator(gpu).manual_seed(0)
    student, teacher, upstream = (
        torch.randn(size, device=gpu, generator=generator) for size in (shape, shape, shape[:-1])
    )
    # A channel that is silent has no direction.
    student[0, 0], teacher[-1, -1] = 0, 0
    return student.requires_grad_(), teacher, upstream


def both(compute, student, teacher, upstream):
    value = compute(student, teacher)
    (gradient,) = torch.autograd.grad(value, student, upstream)
    return value.double(), gradient.double()


@pytest.mark.parametrize("shape", SHAPES)
def test_value_and_gradient_are_those_of_the_plain_writing(gpu, shape):
    student, teacher, upstream = sides(shape, gpu)
    wide = student.detach().double().requires_grad_()
    found = both(row_distances, student, teacher, upstream)
    wanted = both(plain_row_distances, wide, teacher.double(), upstream.double())
    assert_close(found, wanted, rtol=1e-4, atol=1e-5)


def test_identical_sides_give_zero_and_no_gradient(gpu):
    student, _, upstream = sides((8, 32, 32), gpu)
    value, gradient = both(row_distances, student, student.detach(), upstream)
    assert value.abs().max() < 1e-9
    assert gradient.abs().max() < 1e-6


def test_silent_rows_get_no_gradient(gpu):
    student, teacher, upstream = sides((2, 6, 6), gpu)
    _, gradient = both(row_distances, student, teacher, upstream)
    assert gradient[0, 0].abs().max() == 0
    assert torch.isfinite(gradient).all()
