"""A few steps of every network, measured before there is any teacher or lesson."""

import pytest
import torch

from fckd.data.cores import cores
from fckd.errors import TrainingError
from fckd.train import rehearsal
from fckd.train.rehearsal import rehearse_lessons, rehearse_student, rehearse_teacher, threads
from tests.train.small import BASE, DEAD, changed, content


@pytest.fixture(autouse=True)
def brief(monkeypatch):
    monkeypatch.setattr(rehearsal, "SECONDS", 0.0)


def figures(taken):
    return vars(taken).values()


def test_a_student_is_measured_with_its_whole_objective_before_any_teacher_is_trained(own_workshop):
    taken = rehearse_student(own_workshop, BASE, workers=1)
    assert all(figure > 0 for figure in figures(taken))
    assert not own_workshop.storage.exists()


def test_a_term_that_would_teach_nothing_is_found_by_rehearsing(own_workshop):
    with pytest.raises(TrainingError, match="distribution/skeleton"):
        rehearse_student(own_workshop, changed(DEAD), workers=1)


def test_teachers_that_learn_too_are_measured_with_their_student(own_workshop):
    together = changed({"teaching": "together"})
    alone = rehearse_student(own_workshop, BASE, workers=1)
    assert rehearse_student(own_workshop, together, workers=1).step_bytes > alone.step_bytes


def test_a_step_of_a_larger_batch_holds_more(own_workshop):
    small, large = (
        rehearse_student(own_workshop, changed(batch_size=size), workers=1) for size in (2, 6)
    )
    assert small.step_bytes < large.step_bytes


def test_of_several_workers_one_share_of_the_batch_is_measured(own_workshop):
    whole, share = (
        rehearse_student(own_workshop, changed(batch_size=6), workers=workers) for workers in (1, 3)
    )
    assert share.step_bytes < whole.step_bytes


@pytest.mark.parametrize("name", list(BASE.teachers))
def test_a_teacher_is_measured_alone(own_workshop, name):
    assert all(figure > 0 for figure in figures(rehearse_teacher(own_workshop, BASE, name)))
    assert not own_workshop.storage.exists()


@pytest.mark.parametrize("name", list(BASE.teachers))
def test_made_up_lessons_are_as_large_as_those_of_a_trained_teacher(workshop, own_workshop, name):
    folder = workshop.lesson_folder(BASE, name, "train")
    assert "manifest.json" in content(folder)
    real = sum(path.stat().st_size for path in folder.glob("*.arrow"))
    made_up = rehearse_lessons(own_workshop, BASE, name).bytes
    # A file has a few hundred bytes of its own, and these files are tiny.
    rows = workshop.lesson_count(BASE, "train")
    assert made_up == pytest.approx(real / rows, rel=0.5)


def test_a_rehearsal_starts_no_more_threads_than_there_are_cores():
    with threads(4 * cores()):
        assert torch.get_num_threads() == cores()
