import json
from dataclasses import replace

import pytest

from fckd.events import SweepEnded
from fckd.tracking.mlflow_sink import MlflowSink, find_run
from fckd.tracking.sink import Refused
from tests.tracking.stories import (
    EXPERIMENT,
    SWEEP,
    end,
    epoch,
    opening,
    start,
    trial,
    whole_sweep,
)


@pytest.fixture
def sink(store):
    return MlflowSink(store.uri, EXPERIMENT, store.artifacts)


def tell(sink, *events):
    for event in events:
        sink([event])


def test_a_sweep_is_one_run_with_its_trials_nested_below(sink, store):
    tell(sink, *whole_sweep(trials=2))
    sweep = store.run(SWEEP)
    assert {run.info.run_name for run in store.runs()} == {SWEEP, "trial 0", "trial 1"}
    assert store.run("trial 0").data.tags["mlflow.parentRunId"] == sweep.info.run_id
    assert {run.info.status for run in store.runs()} == {"FINISHED"}


def test_every_run_says_who_made_it_with_which_command(sink, store):
    tell(sink, *whole_sweep(trials=1))
    for run in store.runs():
        assert run.data.tags["mlflow.user"]
        assert run.data.tags["mlflow.source.name"]


def test_replaying_the_whole_story_changes_nothing(store):
    for _ in range(2):
        tell(MlflowSink(store.uri, EXPERIMENT, store.artifacts), *whole_sweep(trials=2))
    assert len(store.runs()) == 3
    for metric in ("validation/accuracy", "train/cross_entropy", "gradient/correlation"):
        assert store.steps("trial 1", metric) == [1, 2, 3]
    assert store.steps("trial 1", "final/validation/accuracy") == [0]
    assert {run.info.status for run in store.runs()} == {"FINISHED"}


def test_a_sweep_that_ends_a_second_time_keeps_only_what_is_new(sink, store):
    for time, score in ((300.0, 0.8), (900.0, 0.8), (1500.0, 0.9)):
        tell(sink, opening(), SweepEnded(SWEEP, "finished", {"test/fckd": score}, {}, {}, time))
    history = store.client.get_metric_history(store.run(SWEEP).info.run_id, "test/fckd")
    assert [point.value for point in history] == [0.8, 0.9]


def test_a_retry_continues_the_run_of_its_trial(sink, store):
    tell(sink, opening(), start(0), epoch(0, 1), epoch(0, 2), end(0, "failed", reason="killed"))
    assert store.run("trial 0").info.status == "FAILED"
    assert store.run("trial 0").data.tags["fckd.reason"] == "killed"
    # the retry goes on from the checkpoint of epoch 1, at another time of day
    tell(sink, start(0, time=500.0), epoch(0, 2, time=510.0), epoch(0, 3, time=520.0))
    assert store.run("trial 0").info.status == "RUNNING"
    assert "fckd.reason" not in store.run("trial 0").data.tags
    tell(sink, end(0, time=530.0))
    assert store.run("trial 0").info.status == "FINISHED"
    assert store.steps("trial 0", "validation/accuracy") == [1, 2, 3]


def test_epochs_that_arrive_together_are_written_as_if_one_by_one(sink, store):
    wide = epoch(1, 2)
    wide = replace(wide, metrics={f"channel/{index}": 0.5 for index in range(700)})
    sink([opening(), start(0), start(1), epoch(0, 1), epoch(1, 1), epoch(0, 2), epoch(0, 2)])
    sink([epoch(0, 2), wide, epoch(0, 3), replace(wide, epoch=3), end(0), end(1)])
    assert store.steps("trial 0", "validation/accuracy") == [1, 2, 3]
    assert store.steps("trial 1", "validation/accuracy") == [1]
    assert store.steps("trial 1", "channel/699") == [2, 3]
    assert store.run("trial 1").data.tags["fckd.epochs"] == "3"
    assert store.run("trial 0").data.metrics["train/cross_entropy"] == pytest.approx(1 / 3)


def test_the_tag_that_counts_the_epochs_never_comes_before_their_last_metric(sink, monkeypatch):
    asked = []
    monkeypatch.setattr(sink._client, "log_batch", lambda run, **given: asked.append(given))
    tell(sink, opening(), start(0))
    asked.clear()
    metrics = {f"channel/{index}": 0.5 for index in range(20)}
    sink([replace(epoch(0, number), metrics=metrics) for number in range(1, 51)])
    counts = [len(given["metrics"]) + len(given["tags"]) for given in asked]
    assert sum(counts) == 1000 + len(counts)
    assert max(counts) <= 1000


def test_an_interrupted_trial_is_killed_until_it_goes_on(sink, store):
    tell(sink, opening(), start(0), epoch(0, 1), end(0, "interrupted", reason="it goes on"))
    assert store.run("trial 0").info.status == "KILLED"
    tell(sink, start(0, time=300.0), epoch(0, 2, time=310.0), end(0, time=320.0))
    run = store.run("trial 0")
    assert (run.info.status, run.data.tags["fckd.state"]) == ("FINISHED", "finished")
    assert "fckd.reason" not in run.data.tags


def test_a_finished_trial_stays_finished_when_another_machine_ships_its_old_spool(store):
    """Each machine has a spool of its own, and MLflow may have been away when one of them ended."""
    old = [start(0), epoch(0, 1), end(0, "interrupted", reason="it goes on")]
    later = [start(0, time=500.0), epoch(0, 2, time=510.0), end(0, time=520.0)]
    for spool in (later, old):
        tell(MlflowSink(store.uri, EXPERIMENT, store.artifacts), opening(), *spool)
    run = store.run("trial 0")
    assert (run.info.status, run.data.tags["fckd.state"]) == ("FINISHED", "finished")
    assert run.info.end_time == 520_000
    assert "fckd.reason" not in run.data.tags


@pytest.mark.parametrize("began", [100.0, 0.0], ids=["dated", "of an earlier version"])
def test_a_finished_sweep_stays_finished_when_another_machine_ships_its_old_spool(store, began):
    old = [opening(time=began, **{"budget.trials": 1}), SweepEnded(SWEEP, "stopped", time=200.0)]
    later = [opening(time=500.0), SweepEnded(SWEEP, "finished", time=520.0)]
    for spool in (later, old):
        tell(MlflowSink(store.uri, EXPERIMENT, store.artifacts), *spool)
    run = store.run(SWEEP)
    assert (run.info.status, run.data.tags["fckd.state"]) == ("FINISHED", "finished")
    assert run.info.end_time == 520_000
    assert "fckd.changed.budget.trials" not in run.data.tags


def test_a_trial_of_an_old_spool_is_nested_below_its_finished_sweep(store):
    tell(
        MlflowSink(store.uri, EXPERIMENT, store.artifacts),
        opening(time=500.0),
        SweepEnded(SWEEP, "finished", time=520.0),
    )
    tell(MlflowSink(store.uri, EXPERIMENT, store.artifacts), opening(), *trial(0))
    assert store.run("trial 0").data.tags["mlflow.parentRunId"] == store.run(SWEEP).info.run_id


@pytest.mark.parametrize("state", ["stopped", "failed"])
def test_a_sweep_goes_on_where_the_clock_is_behind(sink, store, state):
    tell(sink, opening(time=500.0), SweepEnded(SWEEP, state, time=520.0), opening(time=505.0))
    assert store.run(SWEEP).info.status == "RUNNING"
    tell(sink, SweepEnded(SWEEP, "finished", time=510.0))
    assert store.run(SWEEP).info.status == "FINISHED"


def test_a_finished_sweep_that_is_run_again_is_running(sink, store):
    tell(sink, *whole_sweep(), opening(time=500.0))
    assert store.run(SWEEP).info.status == "RUNNING"


def test_a_trial_that_failed_for_good_is_not_running_for_an_old_beginning(sink, store):
    failed = end(0, "failed", reason="killed", time=520.0)
    tell(sink, opening(), start(0, time=500.0), failed, start(0), epoch(0, 1))
    run = store.run("trial 0")
    assert (run.info.status, run.data.tags["fckd.reason"]) == ("FAILED", "killed")
    assert store.steps("trial 0", "validation/accuracy") == [1]


def test_a_trial_goes_on_where_the_clock_is_behind(sink, store):
    tell(sink, opening(), start(0, time=500.0), end(0, "interrupted", reason="full", time=520.0))
    tell(sink, start(0, time=505.0))
    assert store.run("trial 0").info.status == "RUNNING"
    tell(sink, end(0, time=510.0))
    run = store.run("trial 0")
    assert (run.info.status, run.data.tags["fckd.state"]) == ("FINISHED", "finished")
    assert "fckd.reason" not in run.data.tags


def test_a_pruned_trial_is_finished_and_tagged(sink, store):
    tell(sink, opening(), start(0), epoch(0, 1), end(0, "pruned"))
    run = store.run("trial 0")
    assert (run.info.status, run.data.tags["fckd.state"]) == ("FINISHED", "pruned")


def test_nested_parameters_are_flat_and_a_changed_one_becomes_a_tag(sink, store):
    tell(sink, opening(), start(0), opening(**{"budget.trials": 9}))
    assert store.run("trial 0").data.params["objective.logits.weight"] == "1.0"
    assert store.run(SWEEP).data.params["budget.trials"] == "2"
    assert store.run(SWEEP).data.tags["fckd.changed.budget.trials"] == "9"


def test_more_parameters_than_mlflow_takes_in_a_batch(sink, store):
    tell(sink, opening(**{f"field-{index}": index for index in range(150)}))
    assert len(store.run(SWEEP).data.params) == 151


def test_the_confusion_is_kept_as_figure_and_as_table(sink, store, tmp_path):
    tell(sink, opening(), start(0))
    tell(sink, end(0, confusion=((3, 1), (0, 4)), classes=("wave", "clap"), split="test"))
    assert {"confusion.png", "confusion.json"} <= store.files("trial 0")
    run_id = store.run("trial 0").info.run_id
    path = store.client.download_artifacts(run_id, "confusion.json", str(tmp_path))
    with open(path) as stream:  # noqa: PTH123 - MLflow answers with a text
        table = json.load(stream)
    assert table == {"split": "test", "classes": ["wave", "clap"], "counts": [[3, 1], [0, 4]]}


def test_class_names_are_written_as_they_are(sink, store):
    """Two $ would be a formula to Matplotlib, and most names none that it could read."""
    names = ("cash $$", "pay $x_ to $y")
    tell(sink, opening(), start(0), end(0, confusion=((3, 1), (0, 4)), classes=names, split="test"))
    assert "confusion.png" in store.files("trial 0")
    assert store.run("trial 0").info.status == "FINISHED"


def test_a_confusion_that_cannot_be_drawn_leaves_its_run_closed(sink, store):
    tell(sink, opening(), start(0), end(0, confusion=((3, 1), (4,)), classes=("wave", "clap")))
    assert store.files("trial 0") == {"confusion.json"}
    assert store.run("trial 0").info.status == "FINISHED"


def test_a_run_promises_a_report_only_to_sweeps_that_confirm(sink, store):
    tell(sink, opening())
    note = store.run(SWEEP).data.tags["mlflow.note.content"]
    assert "`report.html`, if finalists were confirmed" in note
    assert "`table.md` of a comparison" in note


def test_files_of_the_sweep_lie_under_report(sink, store, tmp_path):
    page = tmp_path / "page.html"
    page.write_text("<p>done</p>")
    files = {"report": str(page), "other.html": str(page)}
    tell(sink, opening(), SweepEnded(SWEEP, "finished", {}, {"verdict": "yes"}, files, 1.0))
    assert store.files(SWEEP, "report") == {"report/report.html", "report/other.html"}
    assert store.run(SWEEP).data.tags["verdict"] == "yes"


def test_files_go_to_the_artifact_root_and_not_to_the_current_folder(
    sink, store, tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    tell(sink, opening(), start(0), end(0, confusion=((1,),), classes=("wave",), split="test"))
    assert not (tmp_path / "mlruns").exists()
    assert store.run("trial 0").info.artifact_uri.startswith(f"file://{store.artifacts}")


def test_runs_are_found_by_tag(sink, store):
    tell(sink, opening(), *trial(0))
    key = f"{SWEEP}:0"
    assert find_run(store.uri, "fckd.trial_key", key) == store.run("trial 0").info.run_id
    assert find_run(store.uri, "fckd.sweep", SWEEP) == store.run(SWEEP).info.run_id
    assert find_run(store.uri, "fckd.sweep", "another") is None


def test_a_run_deleted_in_the_ui_is_refused_and_then_made_anew(sink, store):
    tell(sink, opening(), start(0))
    store.client.delete_run(store.run("trial 0").info.run_id)
    with pytest.raises(Refused):
        tell(sink, epoch(0, 1))
    fresh = MlflowSink(store.uri, EXPERIMENT, store.artifacts)
    tell(fresh, opening(), epoch(0, 1))
    assert store.steps(f"{SWEEP}:0", "validation/accuracy") == [1]


def test_a_missing_file_is_refused(sink):
    with pytest.raises(Refused, match="nowhere"):
        tell(sink, opening(), SweepEnded(SWEEP, "finished", files={"a.html": "/nowhere/a.html"}))
