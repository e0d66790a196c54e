"""Teachers: trained once, frozen, kept under the name of what they were made from."""

import pytest
import torch

from fckd.errors import UserError
from fckd.train.workshop import Workshop
from tests.train.small import BASE, changed, content, make, same, state, trained


def teach(workshop, experiment=BASE, part="train"):
    return list(workshop.teach(experiment, "skeleton", part))


def test_a_loaded_teacher_is_frozen_and_in_evaluation_mode(workshop):
    network = workshop.teacher(BASE, "skeleton", "train").network
    assert not any(module.training for module in network.modules())
    assert not any(parameter.requires_grad for parameter in network.parameters())


def test_a_teacher_is_trained_once(own_workshop, seen):
    assert [result.epoch for result in teach(own_workshop)] == [1]
    seen.clear()
    assert teach(own_workshop) == []
    assert seen == []


def test_a_teacher_says_the_same_after_it_was_loaded(own_workshop):
    (result,) = teach(own_workshop)
    loaded = own_workshop.teacher(BASE, "skeleton", "train").network
    reading = torch.randn(2, 3, 16, 20)
    with torch.no_grad():
        result.network.eval()
        assert loaded(reading).logits.equal(result.network(reading).logits)


def test_a_training_that_is_given_up_leaves_no_teacher(own_workshop):
    training = own_workshop.teach(
        changed({"teachers.skeleton.training.epochs": 3}), "skeleton", "train"
    )
    next(training)
    training.close()
    folder = own_workshop.storage / "teachers"
    assert not any(path.is_dir() for path in folder.iterdir())


@pytest.mark.parametrize(("stopped_after", "left"), [(1, [2, 3, 4]), (2, [3, 4]), (4, [4])])
def test_a_training_goes_on_from_its_last_checkpoint_and_ends_as_if_nothing_had_been(
    own_workshop, tmp_path, stopped_after, left
):
    fields = {"teachers.skeleton.training.epochs": 4, "teachers.skeleton.dropout": 0.5}
    experiment = changed(fields)
    training = own_workshop.teach(experiment, "skeleton", "train")
    assert [next(training).epoch for _ in range(stopped_after)][-1] == stopped_after
    training.close()
    assert [result.epoch for result in teach(own_workshop, experiment)] == left
    undisturbed = Workshop(tmp_path / "undisturbed", own_workshop.corpus_folder)
    teach(undisturbed, experiment)
    ends = [w.teacher_folder(experiment, "skeleton", "train") for w in (own_workshop, undisturbed)]
    one, other = ((end / "model.safetensors").read_bytes() for end in ends)
    assert one == other
    assert [content(end.parent) for end in ends] == [[ends[0].name, f"{ends[0].name}.lock"]] * 2


def test_an_absent_teacher_is_the_users_to_mend(own_workshop):
    with pytest.raises(UserError, match=r"no readable teacher(.|\n)*fckd teach"):
        own_workshop.teacher(BASE, "skeleton", "train")


def test_weights_that_were_changed_by_one_bit_are_refused(own_workshop):
    teach(own_workshop)
    path = own_workshop.teacher_folder(BASE, "skeleton", "train") / "model.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    with pytest.raises(UserError, match="SHA-256"):
        own_workshop.teacher(BASE, "skeleton", "train")


@pytest.mark.parametrize(
    "fields",
    [
        {"teachers.skeleton.width": 16},
        {"teachers.skeleton.training.epochs": 2},
        {"teachers.skeleton.training.seed": 1},
        {"views.seed": 1},
        {"corpus.validation_subjects": [1]},
    ],
)
def test_what_changes_a_teacher_gives_it_another_name(workshop, fields):
    names = [workshop.teacher_folder(e, "skeleton", "train") for e in (BASE, changed(fields))]
    assert names[0] != names[1]


def test_a_teacher_that_also_learnt_from_validation_has_another_name(workshop):
    names = [workshop.teacher_folder(BASE, "skeleton", p) for p in ("train", "train+validation")]
    assert names[0] != names[1]


def test_what_concerns_the_student_alone_leaves_the_teachers_name(workshop):
    fields = {"focal.ratio": 0.1, "student.width": 16, "training.epochs": 9}
    names = [workshop.teacher_folder(e, "skeleton", "train") for e in (BASE, changed(fields))]
    assert names[0] == names[1]


def test_distilling_does_not_change_the_teacher(own_workshop):
    make(own_workshop, BASE)
    before = {n: own_workshop.teacher(BASE, n, "train").network for n in BASE.teachers}
    trained(own_workshop.study(BASE, "train"))
    for name in BASE.teachers:
        after = own_workshop.teacher(BASE, name, "train").network
        assert same(state(after), state(before[name]))
