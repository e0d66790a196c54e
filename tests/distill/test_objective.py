"""The objective: which terms there are, what they weigh, and whom they teach."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional as F
from torch.testing import assert_close

from fckd.config.objective import ObjectiveSettings
from fckd.distill.correlation import correlation_loss
from fckd.distill.distribution import distribution_loss
from fckd.distill.embedding import Embedding
from fckd.distill.focal import descending, focal_count
from fckd.distill.logits import logit_loss
from fckd.distill.objective import Lesson, Objective, Term, total
from tests.distill.maps import cwd, feature_map, ickd, normal

SAMPLES, CLASSES = 4, 5
LABELS = torch.tensor([0, 4, 2, 2])
GRIDS = {"skeleton": (4,), "depth": (3, 2, 2)}
CHANNELS = {"skeleton": 6, "depth": 8}
STUDENT_GRID = (6, 2, 3)


def settings(correlation=0.0, distribution=0.0, logits=0.0):
    return ObjectiveSettings(
        correlation={"weight": correlation},
        distribution={"weight": distribution, "temperature": 2.0, "positions": 3},
        logits={"weight": logits, "temperature": 3.0},
    )


EVERYTHING = settings(correlation=2.0, distribution=3.0, logits=0.5)


def lesson(teacher, ratio=1.0, seed=0):
    """Return a focal-sorted lesson, as a store would."""
    features = feature_map(SAMPLES, CHANNELS[teacher], *GRIDS[teacher], seed=seed)
    channels = descending(features.flatten(2).mean(dim=2))
    channels = channels[:, : focal_count(ratio, CHANNELS[teacher])]
    focal = torch.stack([f[c] for f, c in zip(features, channels, strict=True)])
    return Lesson(normal(SAMPLES, CLASSES, seed=seed), focal, channels)


def lessons(*teachers, ratio=1.0):
    return {name: lesson(name, ratio, seed) for seed, name in enumerate(teachers, start=10)}


def embedded(*teachers, seed=50):
    return {
        name: feature_map(SAMPLES, CHANNELS[name], *STUDENT_GRID, seed=seed) for name in teachers
    }


def terms_of(objective=EVERYTHING, teachers=("skeleton", "depth"), ratio=1.0, share=slice(None)):
    taught = {
        name: Lesson(given.logits[share], given.features[share], given.channels[share])
        for name, given in lessons(*teachers, ratio=ratio).items()
    }
    features = {name: features[share] for name, features in embedded(*teachers).items()}
    logits = normal(SAMPLES, CLASSES, seed=99)[share]
    return Objective(objective)(logits, features, taught, LABELS[share])


def test_every_term_is_reported_apart_by_the_name_of_its_teacher():
    assert list(terms_of()) == [
        "cross_entropy",
        "logits",
        "correlation/skeleton",
        "distribution/skeleton",
        "correlation/depth",
        "distribution/depth",
    ]


@pytest.mark.parametrize("only", ["correlation", "distribution", "logits"])
def test_a_term_of_weight_0_is_absent(only):
    names = set(terms_of(settings(**{only: 1.0}), teachers=("skeleton",)))
    assert names == {"cross_entropy", "logits" if only == "logits" else f"{only}/skeleton"}


def test_a_term_of_weight_0_is_not_computed():
    # Without the features that it would need, it could not be.
    logits = normal(SAMPLES, CLASSES)
    taught = {"skeleton": Lesson(logits)}
    assert set(Objective(settings(logits=1.0))(logits, {}, taught, LABELS)) == {
        "cross_entropy",
        "logits",
    }
    assert set(Objective(settings())(logits, {}, {}, LABELS)) == {"cross_entropy"}


def test_a_feature_term_without_features_is_refused():
    logits = normal(SAMPLES, CLASSES)
    with pytest.raises(ValueError, match="needs a lesson with features"):
        Objective(settings(correlation=1))(
            logits, embedded("depth"), {"depth": Lesson(logits)}, LABELS
        )


def test_cross_entropy_weighs_1_and_is_smoothed_as_told():
    logits = normal(SAMPLES, CLASSES)
    for smoothing in (0.0, 0.2):
        terms = Objective(settings(), smoothing)(logits, {}, {}, LABELS)
        wanted = F.cross_entropy(logits, LABELS, label_smoothing=smoothing)
        assert terms["cross_entropy"].weight == 1
        assert_close(terms["cross_entropy"].value, wanted)


def test_at_ratio_1_the_feature_terms_are_ickd_and_cwd_over_all_channels():
    teacher = feature_map(SAMPLES, 6, 4, seed=1)
    channels = descending(teacher.mean(dim=2))
    student = feature_map(SAMPLES, 6, 4, seed=2)
    sorted_teacher = torch.stack([f[c] for f, c in zip(teacher, channels, strict=True)])
    logits = normal(SAMPLES, CLASSES)
    taught = {"skeleton": Lesson(logits, sorted_teacher, channels)}
    objective = ObjectiveSettings(
        correlation={"weight": 1}, distribution={"weight": 1, "temperature": 2.0, "positions": 4}
    )
    terms = Objective(objective)(logits, {"skeleton": student}, taught, LABELS)
    correlation, distribution = (
        float(terms[f"{name}/skeleton"].value) for name in ("correlation", "distribution")
    )
    assert correlation == pytest.approx(ickd(student, teacher), rel=1e-5)
    assert distribution == pytest.approx(cwd(student, teacher, 2.0), rel=1e-5)


@given(st.integers(1, 6))
def test_at_any_ratio_they_are_the_same_losses_over_the_teachers_most_salient_channels(count):
    teacher = feature_map(SAMPLES, 6, 4, seed=1)
    student = feature_map(SAMPLES, 6, 4, seed=2)
    top = teacher.mean(dim=2).topk(count, dim=1).indices
    focal = [
        torch.stack([f[c] for f, c in zip(side, top, strict=True)]) for side in (student, teacher)
    ]
    logits = normal(SAMPLES, CLASSES)
    taught = {"skeleton": Lesson(logits, focal[1], top)}
    objective = Objective(settings(correlation=1, distribution=1))
    terms = objective(logits, {"skeleton": student}, taught, LABELS)
    assert_close(terms["correlation/skeleton"].value, correlation_loss(*focal))
    pooled = [F.adaptive_avg_pool1d(side, 3) for side in focal]
    assert_close(terms["distribution/skeleton"].value, distribution_loss(*pooled, 2.0))


def test_a_student_that_equals_its_teacher_has_nothing_to_learn_from_it():
    taught = lessons("depth")
    given = taught["depth"]
    back = given.channels.argsort(dim=1)
    same = torch.stack([f[c] for f, c in zip(given.features, back, strict=True)])
    terms = Objective(EVERYTHING)(given.logits, {"depth": same}, taught, LABELS)
    for name in ("logits", "correlation/depth", "distribution/depth"):
        assert float(terms[name].value) == pytest.approx(0, abs=1e-6)


def test_teachers_share_a_terms_weight_equally():
    one, two = terms_of(teachers=("skeleton",)), terms_of()
    assert one["correlation/skeleton"].weight == 2.0
    assert one["distribution/skeleton"].weight == 3.0
    for teacher in ("skeleton", "depth"):
        assert two[f"correlation/{teacher}"].weight == 1.0
        assert two[f"distribution/{teacher}"].weight == 1.5
    assert two["logits"].weight == 0.5


def test_a_second_teacher_changes_nothing_of_what_the_first_one_says():
    one, two = terms_of(teachers=("skeleton",)), terms_of()
    for name in ("correlation/skeleton", "distribution/skeleton"):
        assert one[name].value.equal(two[name].value)


def test_the_logits_term_hears_all_teachers():
    taught = [given.logits for given in lessons("skeleton", "depth").values()]
    student = normal(SAMPLES, CLASSES, seed=99)
    assert_close(terms_of()["logits"].value, logit_loss(student, taught, 3.0))


def test_the_total_is_the_weighted_sum():
    terms = {"a": Term(2.0, torch.tensor(3.0)), "b": Term(0.5, torch.tensor(4.0))}
    assert float(total(terms)) == 8
    assert float(total({"a": terms["a"]})) == 6


@pytest.mark.parametrize("shares", [2, 4])
def test_the_mean_over_equal_shares_of_a_batch_is_the_whole(shares):
    # What makes data-parallel training exact: ranks average their gradients.
    whole = terms_of(ratio=0.5)
    parts = [terms_of(ratio=0.5, share=slice(rank, None, shares)) for rank in range(shares)]
    for name, term in whole.items():
        assert_close(torch.stack([part[name].value for part in parts]).mean(), term.value)


@pytest.mark.parametrize("term", ["correlation", "distribution"])
def test_a_feature_terms_gradient_reaches_student_and_embedding_but_never_the_teacher(term):
    embedding = Embedding(7, CHANNELS["depth"])
    student = normal(SAMPLES, 7, *STUDENT_GRID).requires_grad_()
    (given,) = lessons("depth", ratio=0.5).values()
    given.features.requires_grad_()
    given.logits.requires_grad_()
    logits = normal(SAMPLES, CLASSES).requires_grad_()
    taught = {"depth": given}
    objective = Objective(settings(**{term: 1.0}))
    terms = objective(logits, {"depth": embedding(student)}, taught, LABELS)
    terms[f"{term}/depth"].value.backward()
    assert student.grad.abs().sum() > 0
    assert all(p.grad.abs().sum() > 0 for p in embedding.parameters())
    assert logits.grad is None
    assert given.features.grad is None
    assert given.logits.grad is None


def test_only_the_focal_channels_of_a_sample_are_taught():
    features = feature_map(SAMPLES, CHANNELS["depth"], *STUDENT_GRID).add(0.1).requires_grad_()
    taught = lessons("depth", ratio=0.25)
    terms = Objective(settings(correlation=1, distribution=1))(
        normal(SAMPLES, CLASSES), {"depth": features}, taught, LABELS
    )
    total(terms).backward()
    touched = features.grad.flatten(2).abs().sum(dim=2) > 0
    chosen = torch.zeros_like(touched).scatter_(1, taught["depth"].channels, value=True)
    assert touched.equal(chosen)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_under_half_precision_every_term_is_a_finite_float32(dtype):
    taught = lessons("skeleton", "depth", ratio=0.5)
    features = {name: (100 * f).to(dtype) for name, f in embedded("skeleton", "depth").items()}
    logits = normal(SAMPLES, CLASSES).to(dtype)
    for term in Objective(EVERYTHING)(logits, features, taught, LABELS).values():
        assert term.value.dtype == torch.float32
        assert term.value.isfinite()


def test_the_whole_objectives_gradient_is_that_of_its_formula():
    taught = {
        name: Lesson(given.logits.double(), given.features.double(), given.channels)
        for name, given in lessons("depth", ratio=0.5).items()
    }
    objective = Objective(EVERYTHING, label_smoothing=0.1)

    def whole(logits, features):
        return total(objective(logits, {"depth": features}, taught, LABELS))

    logits = normal(SAMPLES, CLASSES, dtype=torch.float64).requires_grad_()
    features = feature_map(SAMPLES, CHANNELS["depth"], 3, 2, 2, dtype=torch.float64) + 0.1
    assert torch.autograd.gradcheck(whole, (logits, features.requires_grad_()))
