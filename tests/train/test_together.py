"""Teachers that learn together with the student, and a student that hallucinates its teachers."""

import pytest
import torch

from fckd.config.experiment import StageSettings
from fckd.errors import UserError
from fckd.models.hallucination import HallucinationNetwork
from fckd.train.loop import distill
from fckd.train.stages import stage_of, teachers_teach
from tests.train.small import ALONE, TERMS, changed, same, state, told, trained, without_terms

TOGETHER = {"teaching": "together"}
LOGITS_ONLY = without_terms("correlation", "distribution")
TAPPED = {"focal.criterion": "cam", "teachers.skeleton.tap": "body.stages.1"}
"""The classifier does not read the means of that map."""
STAGES = {"own": 1, "hallucination": 1}
HALLUCINATING = {"student.hallucination": True, "stages": STAGES}


@pytest.fixture
def study(workshop):
    def of(fields=None, /, **training):
        return workshop.study(changed(fields, **training), "train")

    return of


# Together


@pytest.fixture
def empty(own_workshop):
    """A study of teachers that learn too, where no teacher was ever trained."""

    def of(fields=None, /, **training):
        return own_workshop.study(changed({**TOGETHER, **(fields or {})}, **training), "train")

    return of


def test_teachers_that_learn_too_need_no_lessons(empty):
    metrics = told(trained(empty()))
    assert {f"train/{term}" for term in TERMS} < set(metrics)


def test_teachers_learn_from_the_labels_while_they_teach(empty):
    first, *_, last = (told(result) for result in distill(empty(epochs=20, learning_rate=0.01)))
    for name in ("skeleton", "depth"):
        assert last[f"train/cross_entropy/{name}"] < 0.7 * first[f"train/cross_entropy/{name}"]


@pytest.mark.parametrize("criterion", ["magnitude", "cam", "variance", "random", "all"])
def test_any_criterion_that_needs_no_gradient_ranks_a_teacher_that_learns(empty, criterion):
    metrics = told(trained(empty({"focal.criterion": criterion})))
    assert metrics["train/correlation/skeleton"] > 0


@pytest.mark.parametrize(
    "field",
    [{"focal.criterion": "gradient"}, {"focal.scope": "dataset"}, {"focal.scope": "batch"}],
)
def test_what_only_a_frozen_teacher_can_say_is_refused(empty, field):
    with pytest.raises(UserError, match="needs frozen teachers"):
        empty(field)


def test_a_criterion_that_cannot_rank_a_teacher_is_refused_before_the_first_step(empty, seen):
    with pytest.raises(UserError, match=r"cam, of a teacher tapped at 'body\.stages\.1'"):
        next(distill(empty(TAPPED)))
    assert seen == []


def test_but_not_where_its_logits_alone_teach(empty):
    assert trained(empty({**TAPPED, **LOGITS_ONLY})).epoch == 2


def test_a_teacher_whose_logits_alone_teach_is_not_ranked(empty):
    """Otherwise the random control would draw what the student's dropout is to draw."""
    fields = {**LOGITS_ONLY, "student.dropout": 0.5}
    ends = [
        state(trained(empty({**fields, "focal.criterion": criterion})).network)
        for criterion in ("magnitude", "random")
    ]
    assert same(*ends)


def test_each_teachers_labels_are_smoothed_as_its_own_training_says(empty):
    still = {"learning_rate": 1e-60, "weight_decay": 0}
    plain, smoothed = (
        told(trained(empty({"teachers.skeleton.training.label_smoothing": share}, **still)))
        for share in (0.0, 0.5)
    )
    differing = {name for name, value in plain.items() if smoothed[name] != value}
    assert differing == {"train/cross_entropy/skeleton", "train/loss"}


def test_a_teacher_is_moved_by_its_labels_alone_never_by_the_student(empty):
    """Its weights are the same whether it teaches much or little."""

    def teacher(weight):
        fields = {f"objective.{term}.weight": weight for term in ("correlation", "distribution")}
        *_, last = distill(empty({**fields, "objective.logits.weight": weight}))
        return {
            name: value
            for name, value in last.checkpoint()["module"].items()
            if name.startswith("companions.")
        }

    little, much = teacher(0.1), teacher(10.0)
    assert same(little, much)
    assert little


def test_a_run_of_teachers_and_student_is_resumed_bit_equal(empty):
    through = trained(empty(epochs=3))
    first = next(distill(empty(epochs=3)))
    again = trained(empty(epochs=3), resume=first.checkpoint())
    assert told(again) == told(through)
    assert same(state(again.network), state(through.network))


# Hallucination


def test_the_stages_follow_each_other():
    settings = StageSettings(own=2, hallucination=3)
    assert [stage_of(settings, epoch) for epoch in range(1, 8)] == [
        *["own"] * 2,
        *["hallucination"] * 3,
        *["together"] * 2,
    ]
    assert [teachers_teach(settings, epoch) for epoch in (2, 3, 5, 6)] == [False, True, True, False]


def test_without_stages_teachers_teach_in_every_epoch():
    assert all(teachers_teach(None, epoch) for epoch in (1, 50))


def test_in_its_stage_only_one_stream_moves(study):
    kept = {}
    for result in distill(study(HALLUCINATING, epochs=3)):
        kept[result.epoch] = state(result.network)

    def moved(before, after, stream):
        names = [name for name in kept[1] if name.startswith(f"{stream}.")]
        return any(not kept[before][name].equal(kept[after][name]) for name in names)

    assert not moved(1, 2, "own")
    assert moved(1, 2, "hallucination")
    assert moved(2, 3, "own")
    assert moved(2, 3, "hallucination")


def test_teachers_teach_in_the_stage_of_hallucination_only(study):
    told_of = [
        "train/correlation/skeleton" in told(result)
        for result in distill(study(HALLUCINATING, epochs=3))
    ]
    assert told_of == [False, True, False]


def test_a_student_that_hallucinates_answers_by_the_mean_of_both_streams(study):
    network = trained(study(HALLUCINATING, epochs=3)).network.eval()
    assert isinstance(network, HallucinationNetwork)
    read = torch.randn(4, 6, 16)
    with torch.no_grad():
        both = (network.own(read).logits + network.hallucination(read).logits) / 2
        assert network(read).logits.equal(both)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"student.hallucination": True}, "stages belong to"),
        ({"stages": STAGES}, "stages belong to"),
        ({**HALLUCINATING, "training.epochs": 2}, "at least one must be left"),
    ],
)
def test_stages_and_student_must_agree(fields, reason):
    with pytest.raises(UserError, match=reason):
        changed(fields)


def test_a_student_that_hallucinates_nothing_learns_alone(study):
    metrics = told(trained(study({**HALLUCINATING, **ALONE}, epochs=3)))
    assert "validation/accuracy" in metrics


# Several teachers


@pytest.mark.parametrize("rule", ["equal", "entropy", "confidence"])
def test_every_rule_weighs_two_teachers_or_one(study, rule):
    both = told(trained(study({"weighting.rule": rule})))
    one = told(trained(study({"weighting.rule": rule, "weighting.weights": {"depth": 0.0}})))
    assert "train/correlation/depth" in both
    assert "train/correlation/depth" not in one


def test_one_teacher_counts_the_same_under_every_rule(study):
    fields = {"weighting.weights": {"depth": 0.0}}
    equal, *others = (
        told(trained(study({**fields, "weighting.rule": rule})))
        for rule in ("equal", "entropy", "confidence")
    )
    assert all(other == equal for other in others)


def test_a_dropped_teacher_is_as_if_it_were_not_there(study):
    dropped = trained(study({"weighting.weights": {"depth": 0.0}}))
    fields = {"teachers": {"skeleton": changed().model_dump(mode="json")["teachers"]["skeleton"]}}
    alone = trained(study(fields))
    assert same(state(dropped.network), state(alone.network))


@pytest.mark.parametrize("scope", ["sample", "batch", "dataset"])
@pytest.mark.parametrize("selection", ["hard", "soft"])
def test_every_scope_and_selection_trains(study, scope, selection):
    metrics = told(trained(study({"focal.scope": scope, "focal.selection": selection})))
    assert metrics["gradient/correlation/skeleton"] > 0


def test_at_ratio_1_the_scope_means_nothing(study):
    ends = [told(trained(study({"focal.ratio": 1.0, "focal.scope": scope})))["train/loss"]
            for scope in ("sample", "batch", "dataset")]  # fmt: skip
    assert ends[1:] == pytest.approx(ends[:1] * 2, rel=1e-4)


def test_a_weight_that_warms_up_begins_low(study):
    fields = {"objective.correlation.warmup_epochs": 4, "objective.correlation.decay": 0.5}
    losses = [told(result) for result in distill(study(fields, epochs=2))]
    for epoch, metrics in enumerate(losses, start=1):
        rest = sum(metrics[f"train/{term}"] for term in TERMS if not term.startswith("correlation"))
        weight = epoch / 4 * 0.5 ** (epoch - 1)
        correlation = metrics["train/correlation/skeleton"] + metrics["train/correlation/depth"]
        assert metrics["train/loss"] == pytest.approx(rest + weight * correlation, rel=1e-5)
