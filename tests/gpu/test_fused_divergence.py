"""The GPU's kernel of the divergence beside the plain writing in float64."""

import pytest
import torch
from torch.testing import assert_close

from fckd.distill.divergence import divergence, plain_divergence
from fckd.distill.kernels import LONGEST

SHAPES = [
    (3, 5, 7),
    (64, 27),
    (2, 3, 128),
    (16, 512, 392),
    (2, 2, LONGEST),
    (2, LONGEST + 1),
    (5, 1),
]


def sides(shape, gpu):
    generator = torch.Generator(gpu).manual_seed(0)
    student, teacher, upstream = (
        torch.randn(size, device=gpu, generator=generator) for size in (shape, shape, shape[:-1])
    )
    return student.requires_grad_(), 3 * teacher, upstream


def both(compute, student, teacher, upstream, temperature):
    value = compute(student, teacher, temperature)
    (gradient,) = torch.autograd.grad(value, student, upstream)
    return value.double(), gradient.double()


@pytest.mark.parametrize("temperature", [0.5, 4.0])
@pytest.mark.parametrize("shape", SHAPES)
def test_value_and_gradient_are_those_of_the_plain_writing(gpu, shape, temperature):
    student, teacher, upstream = sides(shape, gpu)
    wide = student.detach().double().requires_grad_()
    found = both(divergence, student, teacher, upstream, temperature)
    wanted = both(plain_divergence, wide, teacher.double(), upstream.double(), temperature)
    assert_close(found, wanted, rtol=1e-4, atol=1e-5)


def test_sides_that_do_not_lie_in_a_row_and_half_precision_are_taken(gpu):
    student, teacher, _ = sides((4, 6, 10), gpu)
    turned = student.transpose(0, 2), teacher.transpose(0, 2), torch.ones(10, 6, device=gpu)
    found, wanted = both(divergence, *turned, 2.0), both(plain_divergence, *turned, 2.0)
    assert_close(found, wanted, rtol=1e-4, atol=1e-5)
    half = divergence(student.half(), teacher.half(), 2.0)
    assert half.dtype == torch.float32
    assert_close(half, plain_divergence(student.half().float(), teacher.half().float(), 2.0))


def test_identical_sides_give_zero_and_no_gradient(gpu):
    student, _, upstream = sides((8, 32, 100), gpu)
    value, gradient = both(divergence, student, student.detach(), upstream, 4.0)
    assert value.abs().max() < 1e-5
    assert gradient.abs().max() < 1e-5


def test_extreme_values_stay_finite(gpu):
    student = torch.tensor([[1e4, -1e4, 0.0]], device=gpu, requires_grad=True)
    teacher = torch.tensor([[-1e4, 1e4, 0.0]], device=gpu)
    for found in both(divergence, student, teacher, torch.ones(1, device=gpu), 1.0):
        assert torch.isfinite(found).all()
