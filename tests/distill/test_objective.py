"""The objective: which terms there are, what they weigh, and whom they teach."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F
from torch.testing import assert_close

from fckd.config.experiment import FocalSettings, WeightingSettings
from fckd.config.objective import ObjectiveSettings
from fckd.distill.correlation import correlation_loss
from fckd.distill.distribution import distribution_loss
from fckd.distill.embedding import Embedding
from fckd.distill.lesson import Lesson, lesson
from fckd.distill.objective import Answer, Objective, Term, total
from fckd.distill.table import MERGED, TERMS
from fckd.distill.weighting import teacher_shares
from tests.distill.maps import feature_map, normal
from tests.distill.terms import ON_FEATURES, PER_SAMPLE, RELATIONS, loss_of

SAMPLES, CLASSES = 4, 5
LABELS = torch.tensor([0, 4, 2, 2])
GRIDS = {"skeleton": (4,), "depth": (3, 2, 2), "graph": (5, 7)}
CHANNELS = {"skeleton": 6, "depth": 8, "graph": 5}
STUDENT_CHANNELS, STUDENT_GRID = 7, (6, 2, 3)
EVERYTHING = {name: 0.1 * number for number, name in enumerate(TERMS, start=1)}


def settings(**weights):
    return ObjectiveSettings(**{name: {"weight": weight} for name, weight in weights.items()})


def lessons(*teachers, dtype=torch.float32, **focal):
    """Return what each teacher says: all its channels, the most salient ones focal."""
    given = {}
    for seed, name in enumerate(teachers, start=10):
        features = feature_map(SAMPLES, CHANNELS[name], *GRIDS[name], seed=seed, dtype=dtype) + 0.1
        given[name] = lesson(
            normal(SAMPLES, CLASSES, seed=seed, dtype=dtype),
            features,
            features.flatten(2).mean(dim=2),
            FocalSettings(**{"ratio": 0.5, **focal}),
            whole=True,
        )
    return given


def answer(*teachers, seed=50, dtype=torch.float32):
    def own(channels, offset):
        return feature_map(SAMPLES, channels, *STUDENT_GRID, seed=seed + offset, dtype=dtype) + 0.1

    return Answer(
        normal(SAMPLES, CLASSES, seed=seed, dtype=dtype),
        own(STUDENT_CHANNELS, 1),
        {name: own(CHANNELS[name], 2) for name in teachers},
    )


def part_of(given, share):
    """Return a rank's share of an answer or of a lesson."""
    if isinstance(given, Answer):
        embedded = {name: features[share] for name, features in given.embedded.items()}
        return Answer(given.logits[share], given.features[share], embedded)
    emphasis = None if given.emphasis is None else given.emphasis[share]
    return Lesson(
        given.logits[share], given.features[share], given.channels[share], given.focal, emphasis
    )


def terms_of(weights, teachers=("skeleton", "depth"), share=slice(None), rule="equal", **focal):
    objective = Objective(settings(**weights), WeightingSettings(rule=rule))
    taught = {name: part_of(given, share) for name, given in lessons(*teachers, **focal).items()}
    return objective(part_of(answer(*teachers), share), taught, LABELS[share])


def test_every_term_is_reported_apart_by_the_name_of_its_teacher():
    found = terms_of(EVERYTHING)
    wanted = {"cross_entropy", *MERGED} | {
        f"{term}/{teacher}"
        for term in TERMS
        if term not in MERGED
        for teacher in ("skeleton", "depth")
    }
    assert set(found) == wanted


@pytest.mark.parametrize("term", TERMS)
def test_a_term_has_its_own_weight_for_every_teacher(term):
    found = terms_of({term: 0.7})
    assert {found[name].weight for name in found if name != "cross_entropy"} == {0.7}


@pytest.mark.parametrize("only", TERMS)
def test_a_term_of_weight_0_is_absent(only):
    names = set(terms_of({only: 1.0}, teachers=("skeleton",)))
    assert names == {"cross_entropy", only if only in MERGED else f"{only}/skeleton"}


def test_a_term_of_weight_0_is_not_computed():
    # Without the features that it would need, it could not be.
    given = Answer(normal(SAMPLES, CLASSES), torch.empty(SAMPLES, 0), {})
    taught = {"skeleton": Lesson(normal(SAMPLES, CLASSES))}
    assert set(Objective(settings(logits=1.0))(given, taught, LABELS)) == {
        "cross_entropy",
        "logits",
    }
    assert set(Objective(settings())(given, {}, LABELS)) == {"cross_entropy"}


@pytest.mark.parametrize("term", ON_FEATURES)
def test_a_feature_term_without_features_is_refused(term):
    taught = {"depth": Lesson(normal(SAMPLES, CLASSES))}
    with pytest.raises(ValueError, match="needs a lesson with features"):
        Objective(settings(**{term: 1}))(answer("depth"), taught, LABELS)


def test_cross_entropy_weighs_1_and_is_smoothed_as_told():
    given = answer()
    for smoothing in (0.0, 0.2):
        terms = Objective(settings(), label_smoothing=smoothing)(given, {}, LABELS)
        wanted = F.cross_entropy(given.logits, LABELS, label_smoothing=smoothing)
        assert terms["cross_entropy"].weight == 1
        assert_close(terms["cross_entropy"].value, wanted)


@pytest.mark.parametrize("selection", ["hard", "soft"])
@pytest.mark.parametrize(("focal", "whole"), [("correlation", "ickd"), ("distribution", "cwd")])
def test_at_ratio_1_the_focal_terms_are_ickd_and_cwd(focal, whole, selection):
    weights = {focal: 1.0, whole: 1.0}
    alike = {"temperature": 1e6} if selection == "soft" else {}
    found = terms_of(weights, ("depth",), ratio=1.0, selection=selection, **alike)
    # Their sums run over the channels in another order.
    assert_close(found[f"{focal}/depth"].value, found[f"{whole}/depth"].value, rtol=1e-5, atol=1e-6)


@given(st.floats(0.01, 1))
def test_at_any_ratio_they_are_the_same_losses_over_the_teachers_most_salient_channels(ratio):
    found = terms_of({"correlation": 1.0, "distribution": 1.0}, ("skeleton",), ratio=ratio)
    teacher = feature_map(SAMPLES, 6, 4, seed=10) + 0.1
    student = answer("skeleton").embedded["skeleton"]
    order = teacher.mean(dim=2).argsort(dim=1, descending=True, stable=True)
    top = order[:, : max(1, round(ratio * 6))]

    def chosen(side):
        return torch.stack([f[c] for f, c in zip(side, top, strict=True)])

    wanted = correlation_loss(chosen(student.flatten(2)), chosen(teacher))
    assert_close(found["correlation/skeleton"].value, wanted.mean())
    pooled = F.adaptive_avg_pool1d(chosen(student.mean(dim=(3, 4))), 4)
    wanted = distribution_loss(pooled, chosen(teacher), 4.0)
    assert_close(found["distribution/skeleton"].value, wanted.mean())


def test_a_student_that_equals_its_teacher_has_nothing_to_learn_from_it():
    taught = lessons("depth")
    whole = taught["depth"].whole()
    same = Answer(taught["depth"].logits, whole, {"depth": whole})
    for name, term in Objective(settings(**EVERYTHING))(same, taught, LABELS).items():
        if name != "cross_entropy":
            assert float(term.value) == pytest.approx(0, abs=1e-6), name


@pytest.mark.parametrize("rule", ["equal", "entropy", "confidence"])
@pytest.mark.parametrize("term", [t for t in TERMS if t not in MERGED])
def test_a_sample_counts_by_the_share_of_its_teacher(term, rule):
    teachers = ("skeleton", "depth")
    taught, given = lessons(*teachers, ratio=1.0), answer(*teachers)
    found = terms_of({term: 1.0}, rule=rule, ratio=1.0)
    logits = {name: t.logits for name, t in taught.items()}
    shares = teacher_shares(WeightingSettings(rule=rule), logits, LABELS)
    for column, name in enumerate(teachers):
        if term in ON_FEATURES:
            own = given.features if term in (*RELATIONS, "attention_transfer") else None
            sides = (given.embedded[name] if own is None else own, taught[name].whole())
        else:
            sides = (given.logits, taught[name].logits)
        wanted = (shares[:, column] * loss_of(term, *sides, LABELS)).mean()
        assert_close(found[f"{term}/{name}"].value, wanted, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("rule", ["equal", "entropy", "confidence"])
def test_twins_together_teach_what_one_of_them_teaches(rule):
    (one,) = lessons("depth").values()
    given = answer("depth")
    objective = Objective(settings(**EVERYTHING), WeightingSettings(rule=rule))
    alone = total(objective(given, {"depth": one}, LABELS))
    twins = Answer(given.logits, given.features, dict.fromkeys("ab", given.embedded["depth"]))
    assert_close(total(objective(twins, {"a": one, "b": one}, LABELS)), alone)


def test_a_dropped_teacher_changes_nothing():
    teachers = ("skeleton", "depth")
    taught, given = lessons(*teachers), answer(*teachers)
    dropping = WeightingSettings(weights={"depth": 0.0})
    both = Objective(settings(**EVERYTHING), dropping)(given, taught, LABELS)
    alone = Objective(settings(**EVERYTHING))(given, {"skeleton": taught["skeleton"]}, LABELS)
    assert_close(total(both), total(alone))


def test_three_teachers_on_unlike_grids_teach_by_every_term_together():
    found = terms_of(EVERYTHING, ("skeleton", "depth", "graph"), selection="soft")
    assert len(found) == 1 + len(MERGED) + 3 * (len(TERMS) - len(MERGED))
    assert all(term.value.isfinite() and term.value > 0 for term in found.values())


def test_weights_follow_their_schedule():
    objective = Objective(ObjectiveSettings(logits={"weight": 2.0, "warmup_epochs": 4}))
    weights = [
        objective(answer("depth"), lessons("depth"), LABELS, epoch)["logits"].weight
        for epoch in (1, 2, 4, 9)
    ]
    assert weights == [0.5, 1.0, 2.0, 2.0]


def test_the_total_is_the_weighted_sum():
    terms = {"a": Term(2.0, torch.tensor(3.0)), "b": Term(0.5, torch.tensor(4.0))}
    assert float(total(terms)) == 8
    assert float(total({"a": terms["a"]})) == 6


@pytest.mark.parametrize("rule", ["equal", "entropy", "confidence"])
@pytest.mark.parametrize("shares", [2, 4])
def test_the_mean_over_equal_shares_of_a_batch_is_the_whole(shares, rule):
    # What makes data-parallel training exact: ranks average their gradients.
    weights = dict.fromkeys(PER_SAMPLE, 1.0)
    whole = terms_of(weights, rule=rule, selection="soft")
    parts = [
        terms_of(weights, share=slice(rank, None, shares), rule=rule, selection="soft")
        for rank in range(shares)
    ]
    for name, term in whole.items():
        mean = torch.stack([part[name].value for part in parts]).mean()
        assert_close(mean, term.value, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("term", TERMS)
def test_a_terms_gradient_reaches_what_it_reads_of_the_student_but_never_the_teacher(term):
    embedding = Embedding(STUDENT_CHANNELS, CHANNELS["depth"])
    given, taught = answer(), lessons("depth")
    given.features.requires_grad_()
    given.logits.requires_grad_()
    for tensor in (taught["depth"].features, taught["depth"].logits):
        tensor.requires_grad_()
    embedded = Answer(given.logits, given.features, {"depth": embedding(given.features)})
    terms = Objective(settings(**{term: 1.0}))(embedded, taught, LABELS)
    terms[term if term in MERGED else f"{term}/depth"].value.backward()
    read = given.features if term in ON_FEATURES else given.logits
    assert read.grad.abs().sum() > 0
    assert taught["depth"].features.grad is None
    assert taught["depth"].logits.grad is None
    uses_embedding = settings(**{term: 1.0}).uses_embedding
    for parameter in embedding.parameters():
        assert (parameter.grad is not None and parameter.grad.abs().sum() > 0) == uses_embedding


def test_only_the_focal_channels_of_a_sample_are_taught():
    given, taught = answer("depth"), lessons("depth", ratio=0.25)
    given.embedded["depth"].requires_grad_()
    total(Objective(settings(correlation=1, distribution=1))(given, taught, LABELS)).backward()
    touched = given.embedded["depth"].grad.flatten(2).abs().sum(dim=2) > 0
    _, channels = taught["depth"].focal_part()
    assert touched.equal(torch.zeros_like(touched).scatter_(1, channels, value=True))


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_under_half_precision_every_term_is_a_finite_float32(dtype):
    given, taught = answer("skeleton", "depth"), lessons("skeleton", "depth", selection="soft")
    half = Answer(
        given.logits.to(dtype),
        (100 * given.features).to(dtype),
        {name: (100 * features).to(dtype) for name, features in given.embedded.items()},
    )
    for name, term in Objective(settings(**EVERYTHING))(half, taught, LABELS).items():
        assert term.value.dtype == torch.float32, name
        assert term.value.isfinite(), name


def test_the_whole_objectives_gradient_is_that_of_its_formula():
    taught = lessons("depth", dtype=torch.float64)
    objective = Objective(settings(**EVERYTHING), label_smoothing=0.1)

    def whole(logits, features, embedded):
        return total(objective(Answer(logits, features, {"depth": embedded}), taught, LABELS))

    given = answer("depth", dtype=torch.float64)
    inputs = (given.logits, given.features, given.embedded["depth"])
    # Along random directions: every entry for itself takes a quarter of a minute.
    inputs = tuple(values.requires_grad_() for values in inputs)
    assert torch.autograd.gradcheck(whole, inputs, fast_mode=True)
