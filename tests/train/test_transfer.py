"""The sight that a finished run leaves beside its outcome."""

import json
import math

import numpy as np
import pytest

from fckd.train import task as task_module
from fckd.train import transfer
from fckd.train.checkpoints import load_checkpoint
from fckd.train.task import Task, run_task
from tests.train.small import ALONE, changed, make, trained, without_terms

TEACHERS = {"skeleton", "depth"}


def finite(value):
    """Return whether all numbers in a JSON value are finite."""
    if isinstance(value, dict | list):
        return all(map(finite, value.values() if isinstance(value, dict) else value))
    return not isinstance(value, float) or math.isfinite(value)


@pytest.fixture
def sight(workshop, tmp_path):
    """Run a task to its end, or until it is told to stop; return what it left to be seen."""

    def of(fields=None, /, report=lambda _epoch, _metrics: True, **training):
        experiment = changed(fields, **training)
        make(workshop, experiment)
        task = Task("sweep-0", experiment.model_dump(mode="json"), "train", str(tmp_path / "run"))
        run_task(task, workshop, report)
        path = tmp_path / "run" / "sight.json"
        return json.loads(path.read_text()) if path.exists() else None

    return of


def test_a_run_shows_its_epochs_its_teachers_and_a_clip(sight, workshop):
    found = sight()
    assert finite(found)
    assert [set(epoch) >= {"overlap/skeleton", "seconds"} for epoch in found["epochs"]] == [
        True
    ] * 2
    assert set(found["teachers"]) == TEACHERS
    for teacher in found["teachers"].values():
        assert (teacher["channels"], teacher["focal"]) == (8, 4)
        assert set(teacher["overlap"]) == {"views", "one class", "two classes", "chance"}
        assert teacher["frequency"]["classes"] == list(workshop.corpus.classes)
        assert sorted(teacher["frequency"]["channels"]) == list(range(8))
        assert np.sum(teacher["frequency"]["shares"], axis=1) == pytest.approx([4, 4, 4], abs=0.01)


def test_saliency_over_time_is_relative_to_the_clip(sight, workshop):
    clip = sight()["clip"]
    corpus = workshop.corpus
    label = corpus.labels[corpus.index_of(clip["sample"])]
    assert clip["action"] == corpus.classes[label]
    for who in clip["teachers"].values():
        assert np.mean(who["teacher"]) == pytest.approx(1, abs=0.001)
        assert np.mean(who["student"]) == pytest.approx(1, abs=0.001)


def test_teachers_are_held_against_each_other(sight):
    likeness = sight()["likeness"]
    assert set(likeness["teachers"]) == TEACHERS
    values = np.array(likeness["values"])
    assert np.diag(values) == pytest.approx([1, 1])
    assert values == pytest.approx(values.T)


def test_one_teacher_is_like_no_other(sight):
    assert sight({"weighting.weights": {"depth": 0.0}})["likeness"] is None


def test_many_channels_and_samples_are_told_in_bounds(sight, monkeypatch):
    monkeypatch.setattr(transfer, "CHANNELS", 3)
    monkeypatch.setattr(transfer, "SAMPLES", 4)
    found = sight()["teachers"]["depth"]["frequency"]
    assert len(found["channels"]) == 3
    assert {len(row) for row in found["shares"]} == {3}


@pytest.mark.parametrize(
    "fields",
    [ALONE, without_terms("correlation", "distribution"), {"teaching": "together"}],
    ids=["student alone", "logits", "teachers that learn too"],
)
def test_without_stored_focal_channels_only_the_epochs_are_shown(sight, fields):
    assert set(sight(fields)) == {"epochs", "fingerprint"}


@pytest.mark.parametrize("fields", [{"focal.scope": "dataset"}, {"focal.ratio": 1.0}])
def test_where_no_sample_has_focal_channels_of_its_own_none_are_compared(sight, fields):
    found = sight(fields)
    assert all(set(teacher) == {"channels", "focal"} for teacher in found["teachers"].values())
    assert set(found["clip"]["teachers"]) == TEACHERS


def test_a_resumed_run_shows_the_epochs_of_before_too(sight, workshop, tmp_path, monkeypatch):
    monkeypatch.setattr(task_module, "LARGEST_SHARE", 1e9)
    assert sight(report=lambda epoch, _metrics: epoch < 2, epochs=3) is None
    left = load_checkpoint(tmp_path / "run" / "checkpoint.pt", workshop.device)
    epochs = sight(epochs=3)["epochs"]
    assert left["epochs"] == epochs[:2]
    assert len(epochs) == 3


def test_looking_changes_nothing(workshop):
    study = workshop.study(changed(), "train")
    result = trained(study)
    state = {name: value.clone() for name, value in result.network.state_dict().items()}
    first, again = (
        transfer.transferred(study, result, workshop.corpus, workshop.device) for _ in range(2)
    )
    assert first == again
    assert all(value.equal(state[name]) for name, value in result.network.state_dict().items())
