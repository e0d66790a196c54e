"""Teachers: trained once, frozen, kept under the name of what they were made from."""

import pytest
import torch

from fckd.errors import UserError
from tests.train.small import BASE, changed, content, make, state, trained


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
    left = content(own_workshop.storage / "teachers")
    assert [name for name in left if not name.endswith(".lock")] == []


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
    before = {n: own_workshop.teacher(BASE, n, "train") for n in BASE.teachers}
    kept = {name: state(teacher.network) for name, teacher in before.items()}
    trained(own_workshop.study(BASE, "train"))
    for name in BASE.teachers:
        after = own_workshop.teacher(BASE, name, "train")
        assert after.sha256 == before[name].sha256
        assert all(kept[name][key].equal(v) for key, v in after.network.state_dict().items())
