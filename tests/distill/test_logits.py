"""What the terms on logits promise beyond what every term does."""

import pytest
import torch
from torch.testing import assert_close

from fckd.distill.dist import dist_loss
from fckd.distill.dkd import dkd_loss
from fckd.distill.logits import logit_loss
from tests.distill.maps import normal

LABELS = torch.tensor([0, 4, 2, 2, 6])
EQUAL = torch.full((5, 2), 0.5)
ALONE = torch.ones(5, 1)


def test_a_constant_added_to_a_sample_changes_nothing():
    student, teacher = normal(5, 7, seed=1), normal(5, 7, seed=2)
    for loss in (
        lambda s: logit_loss(s, [teacher], ALONE, 2.0),
        lambda s: dkd_loss(s, teacher, LABELS, 2.0, 1.0, 8.0),
        lambda s: dist_loss(s, teacher, 2.0, 1.0, 1.0),
    ):
        assert_close(loss(student + normal(5, 1)), loss(student))


def test_two_teachers_that_agree_count_as_one():
    student, teacher = normal(5, 7, seed=1), normal(5, 7, seed=2)
    one = logit_loss(student, [teacher], ALONE, 2.0)
    assert_close(logit_loss(student, [teacher] * 2, EQUAL, 2.0), one)


def test_a_teacher_whose_share_is_0_is_not_heard():
    student, *teachers = (normal(5, 7, seed=s) for s in range(3))
    shares = torch.tensor([1.0, 0.0]).expand(5, 2)
    assert_close(
        logit_loss(student, teachers, shares, 2.0), logit_loss(student, teachers[:1], ALONE, 2.0)
    )


def test_the_order_of_teachers_means_nothing():
    student, *teachers = (normal(5, 7, seed=s) for s in range(3))
    shares = normal(5, 2, seed=9).softmax(dim=1)
    assert_close(
        logit_loss(student, teachers, shares, 2.0),
        logit_loss(student, teachers[::-1], shares.flip(1), 2.0),
    )


def test_its_gradient_is_the_weighted_mean_of_the_gradients_towards_each_teacher():
    student, *teachers = (normal(5, 7, seed=s) for s in range(4))
    student.requires_grad_()
    shares = normal(5, 3, seed=9).softmax(dim=1)

    def gradient(loss):
        return torch.autograd.grad(loss.sum(), student)[0]

    apart = [
        shares[:, [m]] * gradient(logit_loss(student, [teacher], ALONE, 2.0))
        for m, teacher in enumerate(teachers)
    ]
    assert_close(gradient(logit_loss(student, teachers, shares, 2.0)), sum(apart))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_where_a_probability_vanishes_the_divergence_is_large_but_finite(dtype):
    student = torch.tensor([[0.0, 1000.0]], dtype=dtype, requires_grad=True)
    loss = logit_loss(student, [student.flip(1)], torch.ones(1, 1), 1.0)
    loss.backward()
    assert float(loss.detach()) == pytest.approx(1000)
    assert student.grad.isfinite().all()


def test_decoupled_with_the_teachers_own_weight_of_the_rest_is_plain_distillation():
    # KD = TCKD + (1 - p_y of the teacher) · NCKD: what DKD decouples.
    student, teacher = normal(5, 7, seed=1), normal(5, 7, seed=2)
    rest = 1 - (teacher / 2).softmax(dim=1)[torch.arange(5), LABELS]
    target, non_target = (dkd_loss(student, teacher, LABELS, 2.0, *w) for w in ((1, 0), (0, 1)))
    assert_close(target + rest * non_target, logit_loss(student, [teacher], ALONE, 2.0))


def test_with_two_classes_there_is_no_rest_to_tell_apart():
    student, teacher = normal(5, 2, seed=1).requires_grad_(), normal(5, 2, seed=2)
    labels = torch.tensor([0, 1, 1, 0, 1])
    loss = dkd_loss(student, teacher, labels, 2.0, 0.0, 8.0)
    loss.sum().backward()
    assert loss.eq(0).all()
    assert student.grad.eq(0).all()
    plain = logit_loss(student, [teacher], ALONE, 2.0)
    assert_close(dkd_loss(student, teacher, labels, 2.0, 1.0, 8.0), plain)


def test_decoupled_with_a_certain_student_is_finite():
    student = torch.tensor([[1000.0, 0.0, 0.0]], requires_grad=True)
    loss = dkd_loss(student, student.flip(1), torch.tensor([0]), 1.0, 1.0, 8.0)
    loss.backward()
    assert loss.isfinite()
    assert student.grad.isfinite().all()


def test_relations_within_classes_are_one_number_for_the_batch_and_none_for_one_sample():
    student, teacher = normal(5, 7, seed=1), normal(5, 7, seed=2)
    within = dist_loss(student, teacher, 1.0, 0.0, 1.0)
    assert within.eq(within[0]).all()
    assert within[0] > 0
    assert dist_loss(student[:1], teacher[:1], 1.0, 0.0, 1.0).eq(0).all()


def test_relations_forgive_what_keeps_the_order_and_proportions_of_probabilities():
    # Opposite rankings of two classes are as far as Pearson's coefficient goes: 1 - (-1).
    student = torch.tensor([[2.0, 0.0]])
    assert_close(dist_loss(student, 0.1 * student, 1.0, 1.0, 0.0), torch.zeros(1))
    assert_close(dist_loss(student, -student, 1.0, 1.0, 0.0), torch.tensor([2.0]))
