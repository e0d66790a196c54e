"""What a sweep is in the end, for holding a wounded one against one that nobody touched."""

import json
from typing import Any

import optuna
from mlflow import MlflowClient
from safetensors.numpy import load_file

TIMED = ("seconds", "milliseconds")


def trials(campaign) -> dict[str, Any]:
    """Return state, parameters and values of every trial, by its key, which must be there once."""
    found: dict[str, Any] = {}
    for name in optuna.get_all_study_names(campaign.ledger):
        for trial in optuna.load_study(study_name=name, storage=campaign.ledger).get_trials():
            if "superseded" in trial.user_attrs:
                continue
            key = trial.user_attrs["trial_key"]
            assert key not in found, f"{key} is there twice"
            found[key] = (trial.state.name, trial.params, trial.values, trial.intermediate_values)
    return found


def weights(campaign) -> dict[str, Any]:
    """Return the sums of every student's weights, by the key of its trial."""
    found = campaign.folder.glob("trials/*/model.safetensors")
    return {path.parent.name: _sums(path) for path in sorted(found)}


def runs(campaign) -> dict[str, Any]:
    """Return the curves of every MLflow run, by its trial's key; each must be there once, ended."""
    client = MlflowClient(campaign.tracking)
    (experiment,) = (e for e in client.search_experiments() if e.name == "demo")
    found: dict[str, Any] = {}
    for run in client.search_runs([experiment.experiment_id]):
        key = run.data.tags.get("fckd.trial_key", run.data.tags.get("fckd.sweep"))
        assert key not in found, f"two runs of {key}"
        assert run.info.status == "FINISHED", f"{key} is {run.info.status}"
        curves = {}
        for name in run.data.metrics:
            if not name.endswith(TIMED):
                history = client.get_metric_history(run.info.run_id, name)
                curves[name] = sorted((point.step, point.value) for point in history)
        found[key] = curves
    return found


def leaderboard(campaign) -> dict[str, Any]:
    """Return what the sweep claims."""
    board = json.loads((campaign.folder / "leaderboard.json").read_text())
    board.pop("registered", None)
    return board


def versions(campaign) -> int:
    """Return how many versions of the student are registered."""
    client = MlflowClient(campaign.tracking)
    return len(client.search_model_versions("name = 'demo'"))


def assert_alike(wounded, reference) -> None:
    """Nothing was lost, doubled or forgotten, and nothing came out another way."""
    assert trials(wounded) == trials(reference), wounded
    assert weights(wounded) == weights(reference), wounded
    assert leaderboard(wounded) == leaderboard(reference), wounded
    ours, theirs = runs(wounded), runs(reference)
    assert ours.keys() == theirs.keys()
    for key, curves in theirs.items():
        assert ours[key] == curves, (key, wounded)
    assert versions(wounded) == 1, wounded


def _sums(path) -> dict[str, float]:
    return {name: float(value.sum()) for name, value in load_file(path).items()}
