"""How much each of several teachers counts."""

import math

import pytest
import torch
from torch.testing import assert_close

from fckd.config.experiment import WeightingSettings
from fckd.distill.weighting import confidence_shares, entropy_shares, teacher_shares
from tests.distill.maps import normal

LABELS = torch.tensor([0, 2, 1])
TEACHERS = {name: normal(3, 4, seed=n) for n, name in enumerate(("depth", "skeleton", "sensor"))}
CERTAIN = torch.tensor([[1e4, 0.0, 0.0, 0.0]] * 3)

every_rule = pytest.mark.parametrize("rule", ["equal", "entropy", "confidence"])


def shares(rule, teachers=None, **weights):
    settings = WeightingSettings(rule=rule, weights=weights)
    return teacher_shares(settings, TEACHERS if teachers is None else teachers, LABELS)


def log_probabilities(*rows):
    return torch.tensor(rows).log()


@every_rule
def test_one_teacher_counts_1(rule):
    assert shares(rule, {"depth": TEACHERS["depth"]}).equal(torch.ones(3, 1))


@every_rule
@pytest.mark.parametrize("weights", [{}, {"depth": 3.0}, {"depth": 0.0, "sensor": 0.5}])
def test_shares_are_not_negative_and_add_up_to_1(rule, weights):
    found = shares(rule, **weights)
    assert found.min() >= 0
    assert_close(found.sum(dim=1), torch.ones(3))


@every_rule
def test_a_teacher_of_weight_0_is_dropped(rule):
    found = shares(rule, skeleton=0.0)
    assert found[:, 1].eq(0).all()
    assert found[:, [0, 2]].min() > 0


@every_rule
def test_the_order_of_teachers_means_nothing(rule):
    backwards = dict(reversed(TEACHERS.items()))
    assert_close(shares(rule, backwards).flip(1), shares(rule))


@every_rule
def test_teachers_that_say_the_same_count_alike(rule):
    same = dict.fromkeys(TEACHERS, TEACHERS["depth"])
    assert_close(shares(rule, same), torch.full((3, 3), 1 / 3))


def test_the_equal_rule_counts_by_the_fixed_weights_alone():
    assert_close(shares("equal", depth=2.0), torch.tensor([[0.5, 0.25, 0.25]]).expand(3, 3))


def test_a_known_share_by_entropy():
    # Entropies ln 2 and ½ ln 2 + ½ ln 4 = 1.5 ln 2: shares 1 - 1/2.5 and 1 - 1.5/2.5.
    one = log_probabilities([0.5, 0.5, 1e-30])
    other = log_probabilities([0.5, 0.25, 0.25])
    assert_close(entropy_shares([one, other]), torch.tensor([[0.6, 0.4]]))


def test_teachers_that_are_all_certain_share_equally_by_entropy():
    found = shares("entropy", {"depth": CERTAIN, "skeleton": CERTAIN.flip(1)})
    assert_close(found, torch.full((3, 2), 0.5))


def test_the_certain_teacher_takes_all_of_two_by_entropy():
    found = shares("entropy", {"depth": TEACHERS["depth"], "skeleton": CERTAIN})
    assert_close(found, torch.tensor([[0.0, 1.0]]).expand(3, 2))


def test_where_the_only_certain_teacher_is_dropped_the_fixed_weights_decide():
    teachers = {"depth": TEACHERS["depth"], "skeleton": CERTAIN}
    found = shares("entropy", teachers, skeleton=0.0)
    assert found.tolist() == [[1, 0]] * 3


def test_a_known_share_by_confidence():
    # Cross-entropies ln 2 and ln 4: softmax (2, 4)/6, so shares 1 - 1/3 and 1 - 2/3.
    one, other = log_probabilities([0.5, 0.5, 1e-30]), log_probabilities([0.25, 0.25, 0.5])
    found = confidence_shares([one, other], torch.tensor([0]))
    assert_close(found, torch.tensor([[2 / 3, 1 / 3]]))


def test_of_three_teachers_a_known_share_by_confidence():
    probabilities = (0.5, 0.25, 0.125)
    teachers = [log_probabilities([p, 1 - p]) for p in probabilities]
    inverse = [1 / p for p in probabilities]
    wanted = [(1 - value / math.fsum(inverse)) / 2 for value in inverse]
    assert_close(confidence_shares(teachers, torch.tensor([0])), torch.tensor([wanted]))


def test_a_teacher_that_is_certain_and_wrong_loses_its_share():
    found = shares("confidence", {"depth": TEACHERS["depth"], "skeleton": CERTAIN})
    # The true class is the certain one for the first sample only.
    assert found[0, 1] > 0.5
    assert found[1:, 1].max() < 1e-6


@every_rule
def test_shares_carry_no_gradient_and_are_float32_of_half_precision(rule):
    teachers = {name: t.half().requires_grad_() for name, t in TEACHERS.items()}
    found = shares(rule, teachers)
    assert not found.requires_grad
    assert found.dtype == torch.float32
