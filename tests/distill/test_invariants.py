"""What every term promises, whatever its formula: the specification of a loss."""

import pytest
import torch
from torch.testing import assert_close

from fckd.config.objective import ObjectiveSettings
from fckd.distill.table import EMBEDDED, TERMS
from tests.distill.maps import feature_map, normal, permuted
from tests.distill.terms import (
    CHANNELS,
    GRID,
    LABELS,
    ON_FEATURES,
    ON_LOGITS,
    PER_SAMPLE,
    RELATIONS,
    SAMPLES,
    loss_of,
    sides,
    value_of,
)

REDUCED = ("correlation", "distribution", "ickd", "cwd")
"""Terms whose reduction can be chosen."""

every_term = pytest.mark.parametrize("term", TERMS)
every_feature_term = pytest.mark.parametrize("term", ON_FEATURES)
every_relation = pytest.mark.parametrize("term", RELATIONS)
each_half_precision = pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])


@every_term
def test_it_is_one_value_for_each_sample_or_one_for_the_batch_where_samples_are_related(term):
    shape = () if term in RELATIONS else (SAMPLES,)
    assert loss_of(term, *sides(term)).shape == shape


@every_term
def test_sides_that_are_alike_give_zero(term):
    student, _ = sides(term)
    assert float(value_of(term, student, student.clone())) == pytest.approx(0, abs=1e-6)


@every_term
def test_sides_that_differ_give_more_than_zero_for_each_sample(term):
    assert loss_of(term, *sides(term)).min() > 1e-5


@every_term
def test_permuting_the_channels_or_classes_of_both_sides_changes_nothing(term):
    student, teacher = sides(term, dtype=torch.float64)
    order = permuted(CHANNELS)
    moved = loss_of(term, student[:, order], teacher[:, order], order.argsort()[LABELS])
    assert_close(moved, loss_of(term, student, teacher))


@every_term
def test_permuting_the_samples_permutes_the_values(term):
    student, teacher = sides(term, dtype=torch.float64)
    order = torch.tensor([2, 0, 3, 1])
    moved = loss_of(term, student[order], teacher[order], LABELS[order])
    values = loss_of(term, student, teacher)
    assert_close(moved, values[order] if values.ndim else values)


@pytest.mark.parametrize("term", PER_SAMPLE)
def test_a_samples_value_does_not_depend_on_its_batch(term):
    # What makes data-parallel training exact: ranks average their gradients.
    student, teacher = sides(term, dtype=torch.float64)
    whole = loss_of(term, student, teacher)
    halves = [loss_of(term, student[h], teacher[h], LABELS[h]) for h in (slice(2), slice(2, 4))]
    assert_close(torch.cat(halves), whole)
    assert_close((halves[0].mean() + halves[1].mean()) / 2, whole.mean())


@pytest.mark.parametrize("term", TERMS)
def test_the_settings_know_which_terms_relate_samples(term):
    settings = ObjectiveSettings.model_validate({term: {"weight": 1.0}})
    assert settings.relates_samples == (term not in PER_SAMPLE)


@pytest.mark.parametrize("term", ["correlation", "distribution", "ickd", "cwd"])
def test_a_sum_divided_by_the_samples_relates_them_too(term):
    by_sample = {"weight": 1.0, "reduction": "per_sample_and_channel"}
    assert ObjectiveSettings.model_validate({term: by_sample}).relates_samples


@pytest.mark.parametrize("term", [*RELATIONS, "dist"])
def test_a_term_that_relates_samples_is_another_on_half_a_batch(term):
    student, teacher = sides(term)
    whole, half = value_of(term, student, teacher), value_of(term, student[:2], teacher[:2])
    assert float(whole) != pytest.approx(float(half), rel=1e-2)


@every_relation
def test_a_single_sample_has_no_relations(term):
    student, teacher = sides(term, samples=1)
    student.requires_grad_()
    value = value_of(term, student, teacher)
    value.backward()
    assert float(value.detach()) == pytest.approx(0, abs=1e-6)
    assert student.grad.abs().max() < 1e-6


@every_term
def test_the_gradient_is_that_of_the_formula(term):
    student, teacher = sides(term, samples=3, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda s: loss_of(term, s, teacher), student.requires_grad_())


@every_term
def test_the_gradient_reaches_the_student_and_never_the_teacher(term):
    student, teacher = (side.requires_grad_() for side in sides(term))
    value_of(term, student, teacher).backward()
    assert student.grad.flatten(1).abs().sum(dim=1).min() > 0
    assert teacher.grad is None


def _silence(values):
    values.zero_()


def _silence_a_channel(values):
    values[:, 1] = 0


def _level(values):
    values[0] = 3


def _repeat(values):
    values[1:] = values[0]


@pytest.mark.parametrize("side", ["student", "teacher", "both"])
@pytest.mark.parametrize("spoil", [_silence, _silence_a_channel, _level, _repeat])
@pytest.mark.parametrize("samples", [1, 3])
@every_term
def test_silent_constant_and_equal_inputs_give_finite_values_and_gradients(
    term, samples, spoil, side
):
    student, teacher = sides(term, samples)
    for name, values in (("student", student), ("teacher", teacher)):
        if side in (name, "both"):
            spoil(values)
    value = value_of(term, student.requires_grad_(), teacher)
    value.backward()
    assert value.isfinite()
    # Not only finite: nothing is divided by a tiny number that stands for zero.
    assert student.grad.abs().max() < 1e3


@each_half_precision
@every_term
def test_half_precision_is_computed_in_float32(term, dtype):
    student, teacher = (side.to(dtype) for side in sides(term))
    values = loss_of(term, student, teacher)
    assert values.dtype == torch.float32
    assert values.equal(loss_of(term, student.float(), teacher.float()))


@each_half_precision
@every_term
def test_large_half_precision_inputs_give_finite_values_and_gradients(term, dtype):
    # Their squares overflow float16.
    student, teacher = ((1000 * side).to(dtype) for side in sides(term))
    value = value_of(term, student.requires_grad_(), teacher)
    value.backward()
    assert value.isfinite()
    assert student.grad.isfinite().all()


@pytest.mark.parametrize("teachers_grid", [(3,), (3, 20), (3, 2, 2)])
@pytest.mark.parametrize("students_grid", [(6,), (6, 2, 3)])
@every_feature_term
def test_the_two_sides_may_have_unlike_grids(term, students_grid, teachers_grid):
    student = feature_map(SAMPLES, CHANNELS, *students_grid, seed=1).requires_grad_()
    value = value_of(term, student, feature_map(SAMPLES, CHANNELS, *teachers_grid, seed=2))
    value.backward()
    assert value.isfinite()
    assert student.grad.abs().sum() > 0


@pytest.mark.parametrize(
    "term",
    [
        "attention_transfer",
        "similarity_preserving",
        "correlation_congruence",
        "relational",
    ],
)
def test_a_term_on_the_students_own_map_takes_any_number_of_channels(term):
    student = feature_map(SAMPLES, 3, *GRID, seed=1)
    assert value_of(term, student, feature_map(SAMPLES, CHANNELS, *GRID, seed=2)) > 0


@pytest.mark.parametrize(
    "term",
    [
        "correlation",
        "ickd",
        "attention_transfer",
        "similarity_preserving",
        "correlation_congruence",
        "relational",
    ],
)
def test_the_loudness_of_either_side_means_nothing_to_terms_that_normalise(term):
    student, teacher = sides(term, dtype=torch.float64)
    assert_close(loss_of(term, 10 * student, 0.1 * teacher), loss_of(term, student, teacher))


@pytest.mark.parametrize("term", ["fitnet", "channel_distillation", "mars"])
def test_regressions_grow_with_the_square_of_the_features(term):
    student, teacher = sides(term, dtype=torch.float64)
    assert_close(loss_of(term, 3 * student, 3 * teacher), 9 * loss_of(term, student, teacher))


@pytest.mark.parametrize("term", ["distribution", "cwd", "fgd", *ON_LOGITS])
def test_terms_with_a_temperature_grow_with_the_square_of_inputs_and_temperature(term):
    student, teacher = sides(term, dtype=torch.float64)
    # The attentions of FGD do not change when features and temperature grow alike.
    rest = {"attention": 0.0} if term == "fgd" else {}
    one = loss_of(term, student, teacher, temperature=2.0, **rest)
    three = loss_of(term, 3 * student, 3 * teacher, temperature=6.0, **rest)
    assert_close(three, 9 * one)


def test_hallucination_never_exceeds_1():
    student, teacher = 1e4 * normal(SAMPLES, CHANNELS, *GRID), torch.zeros(SAMPLES, CHANNELS, *GRID)
    assert float(value_of("hallucination", student, -1e4 * torch.ones_like(teacher))) <= 1
    assert float(value_of("hallucination", student, teacher)) == pytest.approx(0.25)


@pytest.mark.parametrize("term", REDUCED)
def test_the_three_reductions_differ_by_exact_factors(term):
    given = sides(term, dtype=torch.float64)
    per_channel, per_sample, per_entry = (
        value_of(term, *given, reduction=name)
        for name in ("per_channel", "per_sample_and_channel", "per_entry")
    )
    assert_close(per_channel, SAMPLES * per_sample)
    assert_close(per_channel, CHANNELS * per_entry)


@pytest.mark.parametrize(("focal", "whole"), [("correlation", "ickd"), ("distribution", "cwd")])
@pytest.mark.parametrize("reduction", ["per_channel", "per_sample_and_channel", "per_entry"])
def test_over_all_channels_the_focal_terms_are_ickd_and_cwd_bit_by_bit(focal, whole, reduction):
    given = sides(focal)
    assert loss_of(focal, *given, reduction=reduction).equal(
        loss_of(whole, *given, reduction=reduction)
    )


@pytest.mark.parametrize("term", [*EMBEDDED, "correlation", "distribution"])
def test_a_single_channel_is_enough(term):
    student, teacher = (side[:, :1] for side in sides(term))
    value = value_of(term, student, teacher)
    # One channel correlates with itself alone, and its correlation is 1 on both sides.
    assert value.isfinite()
    assert (float(value) == pytest.approx(0, abs=1e-6)) == (term in ("correlation", "ickd"))
