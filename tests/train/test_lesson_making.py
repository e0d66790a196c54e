"""From a frozen teacher to its lessons."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from fckd.config.experiment import Criterion, FocalSettings
from fckd.data.joint_readings import JointReadings
from fckd.errors import UserError
from fckd.train import lesson_making
from fckd.train.lesson_making import LessonMaker
from fckd.train.lessons import Wish
from fckd.train.workshop import Workshop
from tests.train.small import BASE, changed, make, state, unsorted_features

HALF = {"rtol": 1e-3, "atol": 1e-4}
CPU = torch.device("cpu")

each_teacher = pytest.mark.parametrize("name", list(BASE.teachers))


def lesson(workshop, name, samples, views, ratio=1.0, experiment=BASE):
    store, pairs = workshop.lessons(experiment, name, "train"), (np.array(samples), np.array(views))
    return store.read(*pairs, Wish(FocalSettings(ratio=ratio), False, pairs), CPU)


@torch.no_grad()
def said(workshop, name, samples, views):
    """Return what the teacher says now of these readings."""
    readings = JointReadings.of(workshop.corpus, BASE.teachers[name], BASE.views)
    read = readings.batch(np.array(samples), np.array(views))
    return workshop.teacher(BASE, name, "train").network(*map(torch.from_numpy, read))


@each_teacher
def test_the_lesson_of_a_sample_and_view_is_what_the_teacher_says_of_that_reading(workshop, name):
    train = workshop.division(BASE).train.tolist()
    samples, views = [train[3], train[0], train[3], train[5]], [2, 1, 1, 2]
    kept, now = lesson(workshop, name, samples, views), said(workshop, name, samples, views)
    assert_close(kept.logits, now.logits)
    assert_close(unsorted_features(kept), now.features, **HALF)
    # Two views of one sample are two lessons: the pairs above could not be mixed up unseen.
    assert not torch.allclose(kept.features[0], kept.features[2], **HALF)


@each_teacher
def test_every_sample_that_may_be_learnt_has_a_lesson_under_every_view(workshop, name):
    store = workshop.lessons(BASE, name, "train")
    assert store.samples.tolist() == workshop.division(BASE).train.tolist()
    assert store.views == BASE.views.count


@each_teacher
def test_channels_are_sorted_by_descending_saliency(workshop, name):
    train = workshop.division(BASE).train
    features = lesson(workshop, name, train, np.ones_like(train)).features
    magnitude = features.flatten(2).abs().mean(dim=2)
    assert (magnitude.diff(dim=1) <= 1e-3).all()


@pytest.mark.parametrize("ratio", [0.1, 0.5, 1.0])
@each_teacher
def test_the_focal_channels_are_the_teachers_most_salient_ones(workshop, name, ratio):
    train = workshop.division(BASE).train.tolist()
    kept = lesson(workshop, name, train, [1] * len(train), ratio)
    now = said(workshop, name, train, [1] * len(train)).features.flatten(2)
    count = kept.channels.shape[1]
    salient = now.mean(dim=2).topk(count, dim=1)
    assert_close(now.mean(dim=2).gather(1, kept.channels), salient.values)
    for place in range(len(train)):
        assert_close(kept.features[place].flatten(1), now[place, kept.channels[place]], **HALF)


@each_teacher
def test_a_lessons_grid_is_the_teachers_own(workshop, name):
    train = workshop.division(BASE).train.tolist()
    grid = {"skeleton": (4,), "depth": (4, 2, 2)}[name]
    assert lesson(workshop, name, train[:1], [1]).features.shape == (1, 8, *grid)


def maker(workshop, criterion):
    return LessonMaker(
        teacher=workshop.teacher(BASE, "skeleton", "train"),
        readings=JointReadings.of(workshop.corpus, BASE.teachers["skeleton"], BASE.views),
        labels=workshop.corpus.labels,
        samples=workshop.division(BASE).train,
        views=BASE.views.count,
        criterion=criterion,
        device=CPU,
    )


def all_rows(making):
    (block,) = making.blocks()
    assert len(block) == making.total == 12
    return making.rows(block)


@pytest.mark.parametrize("criterion", list(Criterion))
def test_lessons_are_the_same_however_they_are_cut_into_blocks(workshop, criterion, monkeypatch):
    whole = all_rows(maker(workshop, criterion))
    monkeypatch.setattr(lesson_making, "BLOCK_BYTES", 200)
    making = maker(workshop, criterion)
    # In any order, as the processes come that share the work.
    parts = [making.rows(block) for block in reversed(making.blocks())][::-1]
    assert len(parts) > 2
    for column in ("permutation", "logits", "features"):
        joined = np.concatenate([getattr(part, column) for part in parts])
        np.testing.assert_allclose(joined, getattr(whole, column), rtol=2e-3, atol=1e-3)


@pytest.mark.parametrize("criterion", list(Criterion))
def test_lessons_whose_readings_were_made_ahead_are_the_same(workshop, criterion, monkeypatch):
    plain = all_rows(maker(workshop, criterion))
    monkeypatch.setattr(lesson_making, "reading_threads", lambda _: 3)
    monkeypatch.setattr(lesson_making, "BATCH", 3)
    read_ahead = all_rows(maker(workshop, criterion))
    for column in ("permutation", "logits", "features"):
        wanted = getattr(plain, column)
        np.testing.assert_allclose(getattr(read_ahead, column), wanted, rtol=2e-3, atol=1e-3)


def test_the_gradient_criterion_of_a_linear_head_is_the_weight_times_the_magnitude(workshop):
    rows = all_rows(maker(workshop, Criterion.GRADIENT))
    plain = all_rows(maker(workshop, Criterion.MAGNITUDE))
    train, views = workshop.division(BASE).train, BASE.views.count
    labels = np.repeat(workshop.corpus.labels[train], views)
    head = workshop.teacher(BASE, "skeleton", "train").network.head.weight.numpy()
    expected, positions = np.empty_like(plain.saliency), plain.features.shape[2]
    np.put_along_axis(expected, plain.permutation.astype(np.int64), plain.saliency, axis=1)
    expected *= np.abs(head[labels]) / positions
    found = np.empty_like(expected)
    np.put_along_axis(found, rows.permutation.astype(np.int64), rows.saliency, axis=1)
    np.testing.assert_allclose(found, expected, rtol=1e-4)


def test_the_control_all_leaves_the_channels_in_the_teachers_order(workshop):
    rows = all_rows(maker(workshop, Criterion.ALL))
    assert (rows.permutation == np.arange(rows.permutation.shape[1])).all()


def test_the_random_control_is_drawn_for_each_lesson_anew_and_never_again(workshop):
    once, twice = (all_rows(maker(workshop, Criterion.RANDOM)) for _ in range(2))
    np.testing.assert_array_equal(once.permutation, twice.permutation)
    assert len(np.unique(once.permutation, axis=0)) == len(once.permutation)


def test_lessons_do_not_change_their_teacher(own_workshop):
    for _ in own_workshop.teach(BASE, "skeleton", "train"):
        pass
    before = own_workshop.teacher(BASE, "skeleton", "train")
    weights = (own_workshop.teacher_folder(BASE, "skeleton", "train") / "model.safetensors").stat()
    making = LessonMaker(
        teacher=before,
        readings=JointReadings.of(own_workshop.corpus, BASE.teachers["skeleton"], BASE.views),
        labels=own_workshop.corpus.labels,
        samples=own_workshop.division(BASE).train,
        views=2,
        criterion=Criterion.MAGNITUDE,
        device=CPU,
    )
    kept = state(before.network)
    assert len(all_rows(making).logits) == making.total
    assert all(kept[name].equal(value) for name, value in before.network.state_dict().items())
    folder = own_workshop.teacher_folder(BASE, "skeleton", "train")
    assert (folder / "model.safetensors").stat() == weights


@pytest.mark.parametrize(
    "fields",
    [
        {"views.seed": 1},
        {"views.count": 3},
        {"focal.criterion": "cam"},
        {"corpus.validation_subjects": [1]},
        {"teachers.skeleton.training.seed": 1},
    ],
)
def test_lessons_of_another_making_are_not_found(workshop, fields):
    with pytest.raises(UserError, match="no readable"):
        workshop.lessons(changed(fields), "skeleton", "train")


@pytest.mark.parametrize(
    "fields",
    [
        {"focal.ratio": 0.1},
        {"objective.correlation.weight": 9},
        {"training.seed": 7},
        {"student.width": 16},
    ],
)
def test_trials_that_differ_in_the_student_share_one_store(workshop, fields):
    shared = workshop.lessons(BASE, "skeleton", "train")
    assert workshop.lessons(changed(fields), "skeleton", "train") is shared


def test_lessons_that_exist_are_not_made_again(workshop, seen):
    make(workshop, BASE)
    assert seen == []


def test_a_making_that_is_given_up_leaves_no_store_and_is_gone_on_with(own_workshop, monkeypatch):
    monkeypatch.setattr(lesson_making, "BLOCK_BYTES", 200)
    for _ in own_workshop.teach(BASE, "skeleton", "train"):
        pass
    making = own_workshop.make_lessons(BASE, "skeleton", "train")
    first = next(making)
    assert first > 0
    making.close()
    with pytest.raises(UserError, match="no readable lessons"):
        own_workshop.lessons(BASE, "skeleton", "train")
    again = list(own_workshop.make_lessons(BASE, "skeleton", "train"))
    assert again[0] == 2 * first
    assert again[-1] == own_workshop.lesson_count(BASE, "train") == 12
    store = own_workshop.lesson_folder(BASE, "skeleton", "train")
    assert {path.suffix for path in store.iterdir()} == {".arrow", ".json"}
    assert [path.name for path in store.parent.iterdir() if path.is_dir()] == [store.name]


def test_another_process_reads_the_lessons_that_this_one_made(workshop):
    train = workshop.division(BASE).train.tolist()
    elsewhere = Workshop(workshop.storage, workshop.corpus_folder)
    one, other = (lesson(w, "depth", train, [2] * len(train)) for w in (workshop, elsewhere))
    assert one.features.equal(other.features)


def test_no_more_samples_are_in_memory_than_when_the_teacher_learnt(workshop):
    experiment = changed({"teachers.skeleton.training.micro_batch": 2})
    for _ in workshop.teach(experiment, "skeleton", "train"):
        pass
    maker = workshop._maker(experiment, "skeleton", "train")
    seen = []
    maker.teacher.network.register_forward_pre_hook(lambda _, given: seen.append(len(given[0])))
    maker.rows(range(5))
    assert seen == [2, 2, 1]
