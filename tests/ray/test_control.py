"""A running sweep is asked to stop and to grow, and goes on as if nothing had happened."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from mlflow import MlflowClient
from optuna.trial import TrialState
from safetensors.numpy import load_file

from fckd.config.space import Space
from fckd.errors import Stopped
from fckd.events import EpochReported, Event, TrialEnded, TrialStarted
from fckd.sweep.conduct import conduct
from fckd.sweep.control import GROUPS, STOP, Control
from fckd.sweep.ledger_places import open_ledger
from fckd.tracking.tracker import open_tracker
from tests.ray.conftest import Witness, finished_keys

pytestmark = [pytest.mark.ray, pytest.mark.long]

EPOCHS = 80
"""So long that a trial hears of a request, which takes a second, before it ends."""


@pytest.fixture
def space(smoke_space: Callable[..., Space]) -> Callable[..., Space]:
    def build(storage: Path, *overrides: str) -> Space:
        return smoke_space(
            storage,
            f"experiment.training.epochs={EPOCHS}",
            "search.parameters={focal.ratio: {low: 0.1, high: 1.0}}",
            "search.points=[{focal.ratio: 0.5}, {focal.ratio: 0.25}]",
            "experiment.objective.correlation.weight=1.0",
            "budget.trials=2",
            "confirmation.seeds=2",
            "execution.cpus_per_worker=0.5",
            *overrides,
        )

    return build


def control_of(storage: Path) -> Control:
    (folder,) = (storage / "sweeps").iterdir()
    return Control(open_ledger(storage), folder.name)


def test_a_sweep_that_was_stopped_goes_on_to_what_an_undisturbed_one_gives(
    ray_cluster: None, space: Callable[..., Space], tmp_path: Path
) -> None:
    stopped, whole = tmp_path / "stopped", tmp_path / "whole"
    first, second, undisturbed = Witness(), Witness(), Witness()

    def listen(event: Event) -> None:
        first(event)
        if isinstance(event, EpochReported) and event.epoch == 1:
            control_of(stopped).write(STOP, value=True)

    with pytest.raises(Stopped):
        _conduct(space(stopped), listen)
    (interrupted,) = [e for e in first.of(TrialEnded) if e.state == "interrupted"]
    assert {e.trial_key for e in first.of(TrialStarted)} == {interrupted.trial_key}
    assert _statuses(stopped) == {"KILLED"}

    conducted = _conduct(space(stopped), second)
    reference = conduct(space(whole), None, undisturbed, lambda _: lambda __: None)
    epochs = [e.epoch for e in second.of(EpochReported) if e.trial_key == interrupted.trial_key]
    assert epochs[0] > 1, "the trial began anew instead of going on from its checkpoint"
    assert epochs[-1] == EPOCHS

    keys = finished_keys(conducted.study)
    assert sorted(keys) == sorted(finished_keys(reference.study))
    assert not conducted.study.get_trials(states=(TrialState.RUNNING, TrialState.WAITING))
    for key in keys:
        ours, theirs = (
            load_file(one.folder / "trials" / key / "model.safetensors")
            for one in (conducted, reference)
        )
        assert all((ours[name] == theirs[name]).all() for name in theirs), key
    assert _of_trial(conducted, interrupted.trial_key).intermediate_values == (
        _of_trial(reference, interrupted.trial_key).intermediate_values
    )
    assert _statuses(stopped) == {"FINISHED"}


def test_a_running_sweep_grows_and_shrinks(
    ray_cluster: None, space: Callable[..., Space], tmp_path: Path
) -> None:
    grown = space(
        tmp_path,
        "budget.trials=5",
        f"experiment.training.epochs={3 * EPOCHS}",
    )
    witness = Witness()
    seen: list[int] = []

    def scale() -> None:
        """Ask for two groups, see them both work, and ask for one again."""
        while not _at_a_time(witness):
            time.sleep(0.1)
        control = control_of(tmp_path)
        control.write(GROUPS, 2)
        while _at_a_time(witness) < 2:
            time.sleep(0.1)
        control.write(GROUPS, 1)

    def listen(event: Event) -> None:
        witness(event)
        if isinstance(event, TrialStarted) and event.phase == "search":
            seen.append(_at_a_time(witness))

    threading.Thread(target=scale, daemon=True).start()
    conduct(grown, None, listen, lambda _: lambda __: None)
    assert (seen[0], max(seen), seen[-1]) == (1, 2, 1), seen
    assert {event.state for event in witness.of(TrialEnded)} == {"finished"}


def _conduct(space: Space, watch: Any) -> Any:
    """Conduct with MLflow as the command does, and ship every event."""
    trackers: list[Any] = []

    def track(folder: Path) -> Any:
        storage = Path(space.storage)
        uri = f"sqlite:///{storage / 'mlflow.db'}"
        trackers.append(open_tracker(folder, uri, "demo", str(storage / "artifacts")))
        return trackers[0]

    try:
        return conduct(space, None, watch, track)
    finally:
        assert sum(tracker.close(120) for tracker in trackers) == 0


def _statuses(storage: Path) -> set[str]:
    """Return in which states the runs of the trials are."""
    client = MlflowClient(f"sqlite:///{storage / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("demo")
    runs = client.search_runs([experiment.experiment_id])
    return {run.info.status for run in runs if "fckd.trial_key" in run.data.tags}


def _of_trial(conducted: Any, key: str) -> Any:
    complete = conducted.study.get_trials(states=(TrialState.COMPLETE,))
    return next(trial for trial in complete if trial.user_attrs["trial_key"] == key)


def _at_a_time(witness: Witness) -> int:
    started = {event.trial_key for event in witness.of(TrialStarted)}
    return len(started - {event.trial_key for event in witness.of(TrialEnded)})
