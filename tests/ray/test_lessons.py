"""Lessons made by several Ray processes at once: the same as by one."""

import errno
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from fckd.config.space import Space
from fckd.errors import TrainingError, UserError
from fckd.files import is_full
from fckd.sweep import preparation
from fckd.sweep.campaign import open_workshop
from fckd.sweep.needs import variants_of
from fckd.sweep.preparation import Preparation
from fckd.train.workshop import Workshop
from tests.ray.conftest import Witness
from tests.sweep.unattended import Unattended

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_cluster")]

TEACHER = "skeleton"


def prepared(space: Space, witness: Witness) -> Workshop:
    workshop = open_workshop(space, [space.experiment], None, lambda _: None)
    making, leader = Preparation(variants_of(space), space.execution), Unattended(may_start=1)
    making.make_teachers(workshop, lambda _: None, leader)
    making.make_lessons(workshop, witness, leader)
    assert not leader.account._held, "every process gave its devices back"
    return workshop


def test_with_helpers_the_store_is_that_of_one_process(
    smoke_space: Callable[..., Space],
    tmp_path: Path,
    witness: Witness,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    alone = smoke_space(tmp_path / "alone")
    helped = smoke_space(tmp_path / "helped", "execution.groups=2")
    one = prepared(alone, Witness())
    monkeypatch.setattr(preparation, "ROWS_A_PROCESS", 1)
    both = prepared(helped, witness)
    stages = {event.stage for event in witness.events}
    assert stages == {f"lessons {TEACHER} cam ({part})" for part in ("train", "train+validation")}
    assert all(event.done <= event.total for event in witness.events)
    stores = [each.lessons(alone.experiment, TEACHER, "train") for each in (one, both)]
    for mine, theirs in zip(stores[0]._shards, stores[1]._shards, strict=True):
        np.testing.assert_array_equal(mine.features, theirs.features)
        np.testing.assert_array_equal(mine.permutation, theirs.permutation)
    folders = [path.name for path in (both.storage / "lessons").iterdir() if path.is_dir()]
    assert len(folders) == 2
    assert not any(name.startswith(".") for name in folders)


def test_what_the_user_must_mend_arrives_as_it_was_said(
    smoke_space: Callable[..., Space], tmp_path: Path, witness: Witness
) -> None:
    tapped = f"experiment.teachers.{TEACHER}.tap=body.stages.1"
    space = smoke_space(tmp_path, "experiment.focal.criterion=cam", tapped)
    with pytest.raises(UserError) as refusal:
        prepared(space, witness)
    assert str(refusal.value).startswith("focal.criterion: cam, of a teacher tapped at")
    assert refusal.value.remedy == "choose another focal.criterion, or tap: last"


def refusing(error: Exception) -> Iterator[int]:
    yield 0
    raise error


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        TrainingError("not finite in epoch 1: train/loss"),
        UserError("a", "b", "c"),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_ends_a_job_arrives_as_it_was_raised(
    smoke_space: Callable[..., Space], tmp_path: Path, error: Exception
) -> None:
    space = smoke_space(tmp_path)
    making = Preparation(variants_of(space), space.execution)
    streams = {"lessons": making._remote(refusing).remote(error)}
    with pytest.raises(type(error)) as raised:
        list(making._values(streams, Unattended(may_start=1)))
    assert str(raised.value) == str(error)
    assert is_full(raised.value) == isinstance(error, OSError)
