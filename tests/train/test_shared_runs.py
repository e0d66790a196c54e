"""Runs whose storage is in S3: what one machine began another goes on with, and a third reads."""

import signal
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import multiprocessing

from fckd.data.prepare import prepare
from fckd.errors import StorageLost
from fckd.registry.pretrained import fetch_pretrained
from fckd.storage.shelf import open_shelf, storage_folder
from fckd.train.task import (
    Interrupted,
    Task,
    bring_run,
    leave_to_shelf,
    read_outcome,
    run_task,
)
from fckd.train.workshop import Workshop
from tests.storage.conftest import place, s3, server  # noqa: F401  (fixtures)
from tests.storage.server import BUCKET
from tests.train.elsewhere import work_on_another_machine
from tests.train.small import ALONE, BASE, changed, content, make, same, trained

pytestmark = pytest.mark.service

EPOCHS = 4
EXPERIMENT = changed({"student.dropout": 0.5}, epochs=EPOCHS)
RUN = "sweeps/small-01234567/trials/small-01234567-0000"
FINISHED = ["model.safetensors", "outcome.json", "sight.json"]


@pytest.fixture
def machine(place, tmp_path, monkeypatch):  # noqa: F811
    """Return a function that opens the workshop of a machine, known by a name."""

    def opened(name):
        monkeypatch.setenv("FCKD_CACHE", str(tmp_path / name))
        storage, shelf = storage_folder(place), open_shelf(place)
        corpus = prepare(
            BASE.corpus, BASE.modalities, None, storage, lambda _done, _total: None, shelf=shelf
        )
        return Workshop(storage, corpus.folder, shelf=shelf)

    return opened


@pytest.fixture
def driver(machine):
    made = machine("driver")
    make(made, BASE)
    return made


@pytest.fixture
def task(driver):
    return Task("small-0", EXPERIMENT.model_dump(mode="json"), "train", str(driver.storage / RUN))


def work(task, driver, cache, *, dies):
    """Work on the task in a process with a cache of its own; return its exit code."""
    process = multiprocessing.get_context("spawn").Process(
        target=work_on_another_machine,
        args=(task, driver.address, str(cache), str(driver.corpus_folder)),
        kwargs={"dies": dies},
    )
    process.start()
    process.join()
    return process.exitcode


def test_another_machine_goes_on_and_a_third_reads_the_outcome(
    driver, task, tmp_path, server, place  # noqa: F811
):  # fmt: skip
    assert work(task, driver, tmp_path / "one", dies=True) == -signal.SIGKILL
    assert [key for key in server.keys(place) if "trials" in key] == [f"{RUN}/checkpoint.pt"]
    assert work(task, driver, tmp_path / "two", dies=False) == 0
    folder = driver.runs.folder(task.folder)
    bring_run(driver, folder)
    assert content(folder) == FINISHED
    alone = Workshop(driver.storage, driver.corpus_folder)
    whole = Task("whole", task.experiment, "train", str(tmp_path / "whole"))
    expected = run_task(whole, alone, lambda _epoch, _metrics: True)
    assert read_outcome(folder).predictions == expected.predictions
    weights = [load_file(Path(at) / "model.safetensors") for at in (folder, whole.folder)]
    assert same(*weights)


def test_a_run_that_ended_on_another_machine_is_told_and_not_trained_again(
    driver, task, machine, seen
):
    outcome = run_task(task, driver, lambda _epoch, _metrics: True)
    seen.clear()
    told = []
    again = run_task(
        task, machine("other"), lambda epoch, _metrics: bool(told.append(epoch)) or True
    )
    assert again == outcome
    assert told == [1, 2, 3, 4]
    assert seen == []


def interrupt_after_two(epoch, _metrics):
    if epoch == 2:
        raise Interrupted
    return True


def test_another_training_of_the_same_number_does_not_take_what_is_in_s3(
    driver, task, machine, tmp_path
):
    another = replace(task, experiment=changed(ALONE, epochs=EPOCHS).model_dump(mode="json"))
    whole = replace(another, folder=str(tmp_path / "whole"))
    alone = Workshop(driver.storage, driver.corpus_folder)
    expected = run_task(whole, alone, lambda _epoch, _metrics: True)
    with pytest.raises(Interrupted):
        run_task(task, driver, interrupt_after_two)
    for left, name in (("a checkpoint", "one"), ("an outcome", "two")):
        found = run_task(another, machine(name), lambda _epoch, _metrics: True)
        assert found.metrics["train/loss"] == expected.metrics["train/loss"], left
        run_task(task, machine(name), lambda _epoch, _metrics: True)


def test_a_run_that_ended_takes_no_room_where_it_was_trained_and_can_be_read_there(driver, task):
    outcome = run_task(task, driver, lambda _epoch, _metrics: True)
    leave_to_shelf(task, driver)
    folder = driver.runs.folder(task.folder)
    assert content(folder) == []
    bring_run(driver, folder)
    assert content(folder) == FINISHED
    assert read_outcome(folder) == outcome


def test_a_run_that_was_interrupted_takes_no_room_and_goes_on(driver, task):
    with pytest.raises(Interrupted):
        run_task(task, driver, interrupt_after_two)
    leave_to_shelf(task, driver)
    assert content(driver.runs.folder(task.folder)) == []
    told = []
    run_task(task, driver, lambda epoch, metrics: bool(told.append(metrics)) or True)
    again = run_task(task, driver, lambda epoch, metrics: True)
    assert len(told) == EPOCHS
    assert again.predictions == read_outcome(driver.runs.folder(task.folder)).predictions


def test_to_repeat_a_run_its_weights_are_not_fetched(driver, task, machine):
    run_task(task, driver, lambda _epoch, _metrics: True)
    other = machine("other")
    run_task(task, other, lambda _epoch, _metrics: True)
    assert content(other.runs.folder(task.folder)) == ["outcome.json", "sight.json"]


def test_an_old_checkpoint_of_this_machine_gives_way_to_a_newer_one(driver, task, tmp_path):
    caches = [tmp_path / name for name in ("one", "two")]
    assert work(task, driver, caches[0], dies=True) == -signal.SIGKILL
    (old,) = caches[0].rglob("checkpoint.pt")
    old.write_bytes(b"of an attempt long ago")
    assert work(task, driver, caches[0], dies=False) == 0


def test_a_checkpoint_is_gone_for_all_when_the_run_has_ended(driver, task, server, place):  # noqa: F811
    run_task(task, driver, lambda _epoch, _metrics: True)
    key = f"{place.removeprefix(f's3://{BUCKET}/')}/{RUN}/checkpoint.pt"
    assert server.client.head_object(Bucket=BUCKET, Key=key)["ContentLength"] == 0


def test_a_damaged_copy_is_refused(driver, task, machine, server, place):  # noqa: F811
    run_task(task, driver, lambda _epoch, _metrics: True)
    key = f"{place.removeprefix(f's3://{BUCKET}/')}/{RUN}/model.safetensors"
    told = server.client.head_object(Bucket=BUCKET, Key=key)["Metadata"]
    server.client.put_object(Bucket=BUCKET, Key=key, Body=b"other weights", Metadata=told)
    other = machine("other")
    folder = other.runs.folder(task.folder)
    with pytest.raises(StorageLost, match="not what was put there"):
        bring_run(other, folder)
    assert not (folder / "model.safetensors").exists()
    assert not (folder / "outcome.json").exists()


def test_without_s3_a_run_is_told_as_lost_and_not_as_failed(driver, task, monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    unreachable = Workshop.elsewhere(driver.address, driver.corpus_folder.name, torch.device("cpu"))
    with pytest.raises(StorageLost, match="no S3 service answers"):
        run_task(task, unreachable, lambda _epoch, _metrics: True)


def test_lessons_that_s3_does_not_give_are_lost_and_no_mistake_of_the_users(
    driver, machine, monkeypatch
):
    folder = machine("other").corpus_folder.name
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    unreachable = Workshop.elsewhere(driver.address, folder, torch.device("cpu"))
    with pytest.raises(StorageLost, match="no S3 service answers"):
        unreachable.make_deleted_lessons(EXPERIMENT, "train")


def test_pretrained_weights_that_one_machine_fetched_are_found_by_another(
    driver, machine, tmp_path
):
    file = tmp_path / "earlier.safetensors"
    network = trained(driver.study(changed(ALONE), "train")).network
    save_file(network.state_dict(), file)
    weights = fetch_pretrained(str(file), driver.storage, "")
    student = {**BASE.student.model_dump(mode="json"), "weights": weights}
    experiment = changed({**ALONE, "student": student})
    driver.share_weights(experiment)
    assert machine("other").study(experiment, "train").weights.name.endswith(".safetensors")


def test_pretrained_weights_that_are_damaged_on_one_machine_are_brought_once_more(
    driver, machine, tmp_path
):
    file = tmp_path / "earlier.safetensors"
    save_file(trained(driver.study(changed(ALONE), "train")).network.state_dict(), file)
    weights = fetch_pretrained(str(file), driver.storage, "")
    student = {**BASE.student.model_dump(mode="json"), "weights": weights}
    experiment = changed({**ALONE, "student": student})
    driver.share_weights(experiment)
    other = machine("other")
    kept = other.study(experiment, "train").weights
    kept.write_bytes(b"torn")
    assert other.study(experiment, "train").weights.read_bytes() == file.read_bytes()
