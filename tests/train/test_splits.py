"""Who reads what: nothing of the test split while searching, and only once when confirming."""

from collections import Counter

import numpy as np
import pytest

from fckd.train.study import samples_of, teacher_study
from fckd.train.task import Task, run_task
from tests.train.small import BASE, changed, make

EPOCHS = 3


@pytest.fixture
def experiment():
    return changed(epochs=EPOCHS)


def run(workshop, experiment, part, folder):
    task = Task("sweep-0", experiment.model_dump(mode="json"), part, str(folder))
    return run_task(task, workshop, lambda _epoch, _metrics: True)


def test_the_parts_of_a_division_share_no_sample_and_leave_none_out(workshop):
    division = workshop.division(BASE)
    parts = np.concatenate([division.train, division.validation, division.test])
    assert sorted(parts) == list(range(len(workshop.corpus)))
    assert workshop.counts(BASE) == {"train": 6, "validation": 6, "test": 12}


@pytest.mark.parametrize("part", ["train", "train+validation"])
def test_no_test_sample_is_ever_learnt(workshop, part):
    division = workshop.division(BASE)
    assert not set(samples_of(part, division)) & set(division.test)
    if part == "train":
        assert not set(samples_of(part, division)) & set(division.validation)


def test_while_searching_nobody_reads_a_test_sample(own_workshop, experiment, tmp_path, seen):
    make(own_workshop, experiment)
    outcome = run(own_workshop, experiment, "train", tmp_path / "run")
    assert outcome.split == "validation"
    assert {sample for _, sample, _ in seen}.isdisjoint(own_workshop.division(experiment).test)


def test_while_searching_validation_is_measured_after_every_epoch_and_never_learnt(
    workshop, experiment, tmp_path, seen
):
    run(workshop, experiment, "train", tmp_path / "run")
    validation = set(workshop.division(experiment).validation)
    read = Counter((sample, view) for _, sample, view in seen if sample in validation)
    assert read == {(sample, 0): EPOCHS for sample in validation}


def test_a_confirmation_reads_every_test_sample_exactly_once(
    own_workshop, experiment, tmp_path, seen
):
    make(own_workshop, experiment, "train+validation")
    outcome = run(own_workshop, experiment, "train+validation", tmp_path / "run")
    test = set(own_workshop.division(experiment).test)
    read = Counter((shape, sample, view) for shape, sample, view in seen if sample in test)
    assert read == {((6, 16), sample, 0): 1 for sample in test}
    assert outcome.split == "test"
    names = own_workshop.corpus.sample_ids
    assert outcome.sample_ids == [names[sample] for sample in sorted(test)]


def test_a_confirmation_learns_from_validation_and_does_not_measure_it(
    own_workshop, experiment, tmp_path, seen
):
    make(own_workshop, experiment, "train+validation")
    seen.clear()
    metrics = run(own_workshop, experiment, "train+validation", tmp_path / "run").metrics
    validation = set(own_workshop.division(experiment).validation)
    views = {view for _, sample, view in seen if sample in validation}
    assert views == {1, 2}
    assert not [name for name in metrics if name.startswith("validation/")]
    assert "test/accuracy" in metrics


def test_a_finished_confirmation_does_not_read_the_test_split_again(
    own_workshop, experiment, tmp_path, seen
):
    make(own_workshop, experiment, "train+validation")
    first = run(own_workshop, experiment, "train+validation", tmp_path / "run")
    seen.clear()
    assert run(own_workshop, experiment, "train+validation", tmp_path / "run") == first
    assert seen == []


@pytest.mark.parametrize("part", ["train", "train+validation"])
def test_a_teacher_neither_learns_from_nor_is_measured_on_the_test_split(workshop, part):
    division = workshop.division(BASE)
    teacher = BASE.teachers["skeleton"]
    study = teacher_study(teacher, BASE.views, workshop.corpus, division, part)
    test = set(division.test)
    assert not test & set(study.learn)
    assert not test & set(study.measure)
    assert study.measure_every_epoch == (part == "train")


def test_teacher_lessons_and_student_of_a_part_learn_from_the_same_samples(own_workshop):
    part = "train+validation"
    make(own_workshop, BASE, part)
    wanted = samples_of(part, own_workshop.division(BASE)).tolist()
    assert own_workshop.study(BASE, part).learn.tolist() == wanted
    for name in BASE.teachers:
        assert own_workshop.lessons(BASE, name, part).samples.tolist() == wanted
