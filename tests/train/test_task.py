"""A run as a task: its folder outlives the process that works on it."""

import json
import signal
from dataclasses import replace
from pathlib import Path
from unittest.mock import ANY

import numpy as np
import pytest
import torch
from safetensors.torch import load_file
from torch import multiprocessing

from fckd.errors import UserError
from fckd.models.table import build_network
from fckd.train import task as task_module
from fckd.train import workshop as workshop_module
from fckd.train.checkpoints import load_checkpoint
from fckd.train.cost import device_name
from fckd.train.task import (
    Interrupted,
    Task,
    launched_apart,
    leave_to_shelf,
    read_outcome,
    run_task,
    smaller_parts,
)
from fckd.train.workshop import Workshop
from tests.train.elsewhere import KILLED_AFTER, die_after_an_epoch, die_between_blocks
from tests.train.small import ALONE, BASE, changed, content, make, same

EPOCHS = 4
EXPERIMENT = changed({"student.dropout": 0.5}, epochs=EPOCHS)
FINISHED = ["model.safetensors", "outcome.json", "sight.json"]


class Reports:
    """Keeps the epochs that were reported; says to stop after `last`."""

    def __init__(self, last=EPOCHS):
        self.last, self.epochs, self.metrics = last, [], []

    def __call__(self, epoch, metrics):
        self.epochs.append(epoch)
        self.metrics.append(dict(metrics))
        return epoch < self.last


def interrupt_after_two(epoch, _metrics):
    if epoch == 2:
        raise Interrupted
    return True


@pytest.fixture
def task(tmp_path):
    described = EXPERIMENT.model_dump(mode="json")
    return Task("sweep-0", described, "train", str(tmp_path / "run"))


@pytest.fixture
def another(task):
    """What a ledger that knows nothing of the first sweep gives the same number."""
    described = changed(ALONE, epochs=EPOCHS).model_dump(mode="json")
    return replace(task, experiment=described)


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "run"


@pytest.fixture(scope="module")
def killed(workshop, tmp_path_factory):
    """Two processes that really were killed: one at a run, one at lessons; their folders."""
    place = tmp_path_factory.mktemp("killed")
    run = Task("sweep-0", EXPERIMENT.model_dump(mode="json"), "train", str(place / "run"))
    corpus = str(workshop.corpus_folder)
    spawn = multiprocessing.get_context("spawn").Process
    processes = [
        spawn(target=die_after_an_epoch, args=(run, str(workshop.storage), corpus)),
        spawn(target=die_between_blocks, args=(str(place / "storage"), corpus)),
    ]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
        assert process.exitcode == -signal.SIGKILL
    return place


def test_every_epoch_is_reported_and_an_outcome_is_left(workshop, task, folder):
    reports = Reports()
    outcome = run_task(task, workshop, reports)
    assert reports.epochs == [1, 2, 3, 4]
    assert content(folder) == FINISHED
    assert outcome.split == "validation"
    assert len(outcome.labels) == len(outcome.predictions) == len(outcome.sample_ids) == 6
    right = np.equal(outcome.labels, outcome.predictions).mean()
    assert outcome.metrics["validation/accuracy"] == pytest.approx(right)
    assert np.trace(outcome.confusion) == right * 6


def test_the_outcome_of_a_finished_run_is_repeated_not_recomputed(workshop, task, seen):
    first = run_task(task, workshop, Reports())
    seen.clear()
    reports = Reports()
    assert run_task(task, workshop, reports) == first
    assert reports.epochs == [1, 2, 3, 4], "who listened may have died before it heard of them"
    assert seen == []


def test_the_weights_that_are_left_predict_what_the_outcome_says(workshop, task, folder):
    outcome = run_task(task, workshop, Reports())
    study = workshop.study(EXPERIMENT, "train")
    network = build_network(study.network, study.readings.shapes[0], study.classes).eval()
    network.load_state_dict(load_file(folder / "model.safetensors"))
    (read,) = study.readings.batch(study.measure, np.zeros_like(study.measure))
    with torch.no_grad():
        predictions = network(torch.from_numpy(read)).logits.argmax(dim=1)
    assert predictions.tolist() == outcome.predictions


def test_a_run_that_is_told_to_stop_has_no_outcome(workshop, task, folder):
    reports = Reports(last=2)
    assert run_task(task, workshop, reports) is None
    assert reports.epochs == [1, 2]
    assert "outcome.json" not in content(folder)


def test_an_interrupted_run_goes_on_from_the_epoch_at_which_it_ended(workshop, task, folder):
    before, reports = Reports(), Reports()

    def interrupt(epoch, metrics):
        if before(epoch, metrics) and epoch == 2:
            raise Interrupted
        return True

    with pytest.raises(Interrupted):
        run_task(task, workshop, interrupt)
    assert content(folder) == ["checkpoint.pt"]
    resumed = run_task(task, workshop, reports)
    assert reports.epochs == [1, 2, 3, 4]
    assert reports.metrics[:2] == before.metrics, "what was computed is told again, not done again"
    whole = Task("sweep-1", task.experiment, "train", str(folder.parent / "whole"))
    assert resumed.predictions == run_task(whole, workshop, Reports()).predictions
    ends = [load_file(Path(run.folder) / "model.safetensors") for run in (task, whole)]
    assert same(*ends)


def test_a_run_that_was_asked_to_end_when_nobody_heard_it_ends_when_it_is_taken_up(workshop, task):
    def interrupt(epoch, _metrics):
        if epoch == 2:
            raise Interrupted
        return True

    with pytest.raises(Interrupted):
        run_task(task, workshop, interrupt)
    reports = Reports(last=1)
    assert run_task(task, workshop, reports) is None
    assert reports.epochs == [1]


def test_another_training_of_the_same_number_does_not_take_an_outcome(
    workshop, task, another, folder
):
    run_task(task, workshop, Reports())
    reports = Reports()
    found = run_task(another, workshop, reports)
    elsewhere = replace(another, folder=str(folder.parent / "elsewhere"))
    expected = run_task(elsewhere, workshop, Reports())
    assert "train/correlation/skeleton" not in reports.metrics[0]
    assert found.metrics["train/loss"] == expected.metrics["train/loss"]
    assert content(folder) == FINISHED
    assert read_outcome(folder) == found
    ends = [load_file(Path(run.folder) / "model.safetensors") for run in (another, elsewhere)]
    assert same(*ends)


def test_another_training_of_the_same_number_does_not_go_on_from_a_checkpoint(
    workshop, task, another, folder, seen
):
    with pytest.raises(Interrupted):
        run_task(task, workshop, interrupt_after_two)
    with pytest.raises(Interrupted):
        run_task(another, workshop, interrupt_after_two)
    left = load_checkpoint(folder / "checkpoint.pt", workshop.device)["epochs"]
    assert len(left) == 2
    assert "train/correlation/skeleton" not in left[0]


def test_a_training_on_more_samples_is_another_one(workshop, task, another, seen):
    run_task(another, workshop, Reports())
    seen.clear()
    run_task(replace(another, part="train+validation"), workshop, Reports())
    assert seen != []


def test_an_outcome_of_an_earlier_version_is_read_but_not_repeated(workshop, task, folder, seen):
    known = run_task(task, workshop, Reports())
    described = json.loads((folder / "outcome.json").read_text())
    for later in ("fingerprint", "micro_batch", "device"):
        del described[later]
    (folder / "outcome.json").write_text(json.dumps(described))
    assert read_outcome(folder).predictions == known.predictions
    seen.clear()
    assert run_task(task, workshop, Reports()) == replace(known, metrics=ANY)
    assert seen != []


def test_a_retry_in_smaller_parts_goes_on_and_its_outcome_tells_of_the_parts(
    workshop, task, folder
):
    before, reports = Reports(), Reports()

    def interrupt(epoch, metrics):
        before(epoch, metrics)
        return interrupt_after_two(epoch, metrics)

    with pytest.raises(Interrupted):
        run_task(task, workshop, interrupt)
    outcome = run_task(launched_apart(smaller_parts(task, workers=1)), workshop, reports)
    assert reports.metrics[:2] == before.metrics
    assert outcome.micro_batch == read_outcome(folder).micro_batch == 1


def test_without_s3_a_run_stays_where_it_was_trained(workshop, task, folder):
    assert run_task(task, workshop, Reports()).micro_batch is None
    leave_to_shelf(task, workshop)
    assert content(folder) == FINISHED


def test_an_outcome_says_on_which_device_its_milliseconds_were_measured(workshop, task, folder):
    outcome = run_task(task, workshop, Reports())
    assert outcome.device == device_name(torch.device("cpu")) != ""
    assert all(isinstance(value, float) for value in outcome.metrics.values())


def test_an_interruption_after_the_last_epoch_comes_too_late(workshop, task):
    def interrupt(epoch, _metrics):
        if epoch == EPOCHS:
            raise Interrupted
        return True

    assert run_task(task, workshop, interrupt) is not None


def test_being_told_to_stop_after_the_last_epoch_comes_too_late(workshop, task):
    assert run_task(task, workshop, Reports(last=EPOCHS)) is not None


def test_a_killed_run_leaves_its_last_checkpoint_and_nothing_else(killed):
    assert content(killed / "run") == ["checkpoint.pt"]


def test_a_killed_run_goes_on_from_its_checkpoint_and_ends_as_if_nothing_had_been(
    killed, workshop, task, folder
):
    run_task(task, workshop, Reports())
    reports = Reports()
    again = Task("sweep-0", task.experiment, "train", str(killed / "run"))
    kept = load_checkpoint(killed / "run" / "checkpoint.pt", workshop.device)["epochs"]
    assert len(kept) == KILLED_AFTER, (
        "where checkpoints are cheap, only the epoch in flight is computed again"
    )
    outcome = run_task(again, workshop, reports)
    assert reports.epochs == [1, 2, 3, 4]
    assert reports.metrics[:KILLED_AFTER] == kept
    assert content(killed / "run") == FINISHED
    ends = [load_file(place / "model.safetensors") for place in (folder, killed / "run")]
    assert same(*ends)
    uninterrupted = json.loads((folder / "outcome.json").read_text())
    assert outcome.predictions == uninterrupted["predictions"]


def test_lessons_whose_maker_was_killed_between_two_blocks_do_not_exist(killed, workshop):
    elsewhere = Workshop(killed / "storage", workshop.corpus_folder)
    with pytest.raises(UserError, match="no readable lessons"):
        elsewhere.lessons(BASE, "skeleton", "train")
    (left,) = (killed / "storage" / "lessons").iterdir()
    assert left.name.startswith(".")
    assert sum(name.endswith(".note") for name in content(left)) == 1


def test_and_can_be_made_by_the_next_one(killed, workshop):
    elsewhere = Workshop(killed / "storage", workshop.corpus_folder)
    make(elsewhere, changed({"teachers": {"skeleton": BASE.teachers["skeleton"].model_dump()}}))
    assert len(elsewhere.lessons(BASE, "skeleton", "train").samples) == 6


def test_a_run_that_dies_while_it_writes_its_end_has_no_outcome(
    workshop, task, folder, monkeypatch
):
    def no_space(*_arguments):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(task_module, "write_bytes", no_space)
        with pytest.raises(OSError, match="No space"):
            run_task(task, workshop, Reports())
    assert "outcome.json" not in content(folder)
    assert run_task(task, workshop, Reports()) is not None
    assert content(folder) == FINISHED


def test_a_task_is_plain_values(task):
    travelled = Task(**json.loads(json.dumps(vars(task))))
    assert travelled == task


def test_lessons_that_are_missing_are_the_users_to_mend(own_workshop, task):
    with pytest.raises(UserError, match="run `fckd teach` first"):
        run_task(task, own_workshop, Reports())


def test_a_worker_forgets_the_readings_of_old_settings_before_memory_is_full(
    own_workshop, monkeypatch
):
    def readings(frames):
        run = changed({**ALONE, "student.frames": frames})
        (found,) = own_workshop.study(run, "train").readings._parts
        found.batch(np.array([0]), np.array([0]))
        return found

    first = readings(8)
    monkeypatch.setattr(workshop_module, "MEMORY_LIMIT", 2 * first.bytes_used)
    assert readings(8) is first
    readings(16)
    readings(32)
    assert readings(8) is not first
