"""What an epoch tells of the transfer: agreement, overlap, gradient shares."""

from dataclasses import replace

import pytest
import torch

from fckd.distill.lesson import Lesson
from fckd.distill.objective import Answer
from fckd.train.checkpoints import load_checkpoint, save_checkpoint
from fckd.train.loop import distill
from fckd.train.sight import focal_overlap, gradient_shares, sight
from tests.distill.maps import feature_map, normal
from tests.train.small import ALONE, TERMS, changed, told, trained, without_terms

N, C, K = 400, 8, 2


@pytest.fixture
def study(workshop):
    def of(fields=None, /, **training):
        return workshop.study(changed(fields, **training), "train")

    return of


def taught(features, logits):
    """A lesson on the K channels of greatest magnitude, and the answer that equals it."""
    channels = features.mean(dim=2).argsort(dim=1, descending=True, stable=True)
    lesson = Lesson(logits, features.gather(1, channels.unsqueeze(2).expand_as(features)), channels)
    return replace(lesson, focal=K), Answer(logits, features, {"teacher": features})


@pytest.fixture
def lesson_and_copy():
    return taught(feature_map(N, C, 5), normal(N, 3, seed=1))


def seen(lesson, answer, *, focal=True):
    return {
        name: float(value)
        for name, value in sight(answer, {"teacher": lesson}, focal=focal).items()
    }


def test_a_student_that_equals_its_teacher_agrees_and_overlaps_wholly(lesson_and_copy):
    assert seen(*lesson_and_copy) == {"agreement/teacher": 1.0, "overlap/teacher": 1.0}


def test_a_student_that_knows_nothing_overlaps_as_expected_by_chance(lesson_and_copy):
    lesson, _ = lesson_and_copy
    _, stranger = taught(feature_map(N, C, 5, seed=7), normal(N, 3, seed=8))
    told_of = seen(lesson, stranger)
    assert told_of["overlap/teacher"] == pytest.approx(K / C, abs=0.05)
    assert told_of["agreement/teacher"] == pytest.approx(1 / 3, abs=0.08)


def test_overlap_counts_channels_whatever_their_order():
    magnitudes = torch.tensor([[[4.0], [0.0], [3.0], [1.0]]])
    for channels, share in (([0, 2], 1), ([2, 0], 1), ([0, 3], 0.5), ([1, 3], 0)):
        assert focal_overlap(magnitudes, torch.tensor([channels])).tolist() == [share]


def test_overlap_is_told_only_where_channels_are_chosen(lesson_and_copy):
    lesson, answer = lesson_and_copy
    assert set(seen(lesson, answer, focal=False)) == {"agreement/teacher"}
    assert set(seen(replace(lesson, focal=C), answer)) == {"agreement/teacher"}


def test_gradient_shares_add_up_to_1_also_where_a_gradient_is_0():
    assert gradient_shares({"a": 3.0, "b": 1.0, "c": 0.0}) == {
        "share/a": 0.75,
        "share/b": 0.25,
        "share/c": 0.0,
    }
    assert gradient_shares({"a": 0.0}) == {"share/a": 0.0}


def test_every_epoch_tells_of_every_teacher_and_term(study):
    for result in distill(study()):
        metrics = told(result)
        assert sum(metrics[f"share/{term}"] for term in TERMS) == pytest.approx(1)
        for teacher in ("skeleton", "depth"):
            assert 0 <= metrics[f"overlap/{teacher}"] <= 1
            assert 0 <= metrics[f"agreement/{teacher}"] <= 1


def test_a_student_whose_magnitudes_are_fitted_comes_to_focus_where_its_teachers_do(study):
    fitted = study({"objective.fitnet.weight": 10.0}, epochs=40, learning_rate=0.01)
    first, *_, last = (told(result) for result in distill(fitted))
    for teacher in ("skeleton", "depth"):
        assert last[f"overlap/{teacher}"] > first[f"overlap/{teacher}"]


def test_logits_alone_tell_of_agreement_alone(study):
    metrics = told(trained(study(without_terms("correlation", "distribution"))))
    assert {name for name in metrics if name.startswith(("agreement/", "overlap/"))} == {
        "agreement/skeleton",
        "agreement/depth",
    }


def test_teachers_that_learn_too_are_seen_as_frozen_ones_are(study):
    metrics = told(trained(study({"teaching": "together"})))
    assert metrics.keys() >= {"agreement/skeleton", "overlap/skeleton", "overlap/depth"}


def test_a_student_alone_has_no_sight_of_teachers(study):
    metrics = told(trained(study(ALONE)))
    assert not [name for name in metrics if name.startswith(("agreement/", "overlap/"))]
    assert metrics["share/cross_entropy"] == 1


def test_a_resumed_run_tells_the_same(study, tmp_path):
    through = [told(result) for result in distill(study(epochs=3))]
    path = tmp_path / "checkpoint.pt"
    save_checkpoint(path, next(distill(study(epochs=3))).checkpoint())
    again = distill(study(epochs=3), resume=load_checkpoint(path, torch.device("cpu")))
    assert [told(result) for result in again] == through[1:]
