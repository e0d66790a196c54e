"""The logits term."""

import pytest
import torch
from torch.testing import assert_close

from fckd.distill.logits import logit_loss
from tests.distill.maps import normal


def hinton(student, teacher, temperature):
    wanted, given = (teacher / temperature).softmax(1), (student / temperature).softmax(1)
    return temperature**2 * (wanted * (wanted / given).log()).sum(dim=1).mean()


@pytest.mark.parametrize("temperature", [1.0, 4.0])
def test_with_one_teacher_it_is_hintons_loss(temperature):
    student, teacher = normal(5, 7, seed=1), normal(5, 7, seed=2)
    assert_close(logit_loss(student, [teacher], temperature), hinton(student, teacher, temperature))


def test_identical_logits_give_zero():
    logits = normal(5, 7)
    assert float(logit_loss(logits, [logits.clone()], 4.0)) == pytest.approx(0, abs=1e-6)


def test_a_constant_added_to_a_sample_changes_nothing():
    student, teacher = normal(5, 7, seed=1), normal(5, 7, seed=2)
    assert_close(
        logit_loss(student + normal(5, 1), [teacher], 2.0), logit_loss(student, [teacher], 2.0)
    )


def test_two_teachers_that_agree_count_as_one():
    student, teacher = normal(5, 7, seed=1), normal(5, 7, seed=2)
    assert_close(logit_loss(student, [teacher] * 2, 2.0), logit_loss(student, [teacher], 2.0))


def test_the_order_of_teachers_means_nothing():
    student, *teachers = (normal(5, 7, seed=s) for s in range(4))
    assert_close(logit_loss(student, teachers, 2.0), logit_loss(student, teachers[::-1], 2.0))


def test_its_gradient_is_the_mean_of_the_gradients_towards_each_teacher():
    student, *teachers = (normal(5, 7, seed=s) for s in range(4))
    student.requires_grad_()
    (together,) = torch.autograd.grad(logit_loss(student, teachers, 2.0), student)
    apart = [torch.autograd.grad(logit_loss(student, [t], 2.0), student)[0] for t in teachers]
    assert_close(together, torch.stack(apart).mean(dim=0))


def test_it_is_the_mean_over_samples():
    student, teacher = normal(4, 3, seed=1), normal(4, 3, seed=2)
    single = [logit_loss(student[n : n + 1], [teacher[n : n + 1]], 2.0) for n in range(4)]
    assert_close(logit_loss(student, [teacher], 2.0), torch.stack(single).mean())


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_gives_a_finite_float32_also_where_a_probability_vanishes(dtype):
    student = torch.tensor([[0.0, 1000.0]], dtype=dtype, requires_grad=True)
    loss = logit_loss(student, [student.flip(1)], 1.0)
    loss.backward()
    assert loss.dtype == torch.float32
    assert float(loss.detach()) == pytest.approx(1000)
    assert student.grad.isfinite().all()


def test_its_gradient_is_that_of_its_formula():
    student = normal(3, 4, dtype=torch.float64).requires_grad_()
    teachers = [normal(3, 4, seed=s, dtype=torch.float64) for s in (1, 2)]
    assert torch.autograd.gradcheck(lambda s: logit_loss(s, teachers, 2.0), student)


def test_no_gradient_reaches_the_teachers():
    student, *teachers = (normal(3, 4, seed=s).requires_grad_() for s in range(3))
    logit_loss(student, teachers, 1.0).backward()
    assert student.grad.abs().sum() > 0
    assert [teacher.grad for teacher in teachers] == [None, None]
