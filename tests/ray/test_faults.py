"""Processes are killed; no trial is lost, doubled or forgotten."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import optuna
import psutil
import pytest
from mlflow import MlflowClient

from fckd.config.space import Space
from fckd.events import EpochReported, TrialEnded, TrialStarted
from fckd.sweep.conduct import conduct
from tests.ray.conftest import DEMO, Witness, finished_keys

pytestmark = [pytest.mark.ray, pytest.mark.chaos, pytest.mark.long]


def test_a_killed_worker_costs_its_trial_an_attempt_and_nothing_else(
    ray_cluster: None, smoke_space: Callable[..., Space], tmp_path: Path
) -> None:
    space = smoke_space(tmp_path, "experiment.training.epochs=20", "confirmation.seeds=2")
    witness = Witness()
    killed: list[int] = []

    def listen(event: Any) -> None:
        witness(event)
        if isinstance(event, EpochReported) and event.epoch >= 2 and not killed:
            killed.append(_kill_a_worker())

    conducted = conduct(space, None, listen, lambda _: lambda __: None)
    attempts = [(e.trial_key, e.tags["fckd.attempt"]) for e in witness.of(TrialStarted)]
    assert killed
    assert sum(attempt == "2" for _, attempt in attempts) == 1
    assert len(finished_keys(conducted.study)) == space.budget.trials
    assert {event.state for event in witness.of(TrialEnded)} == {"finished"}


def test_a_sweep_whose_driver_was_killed_is_completed_by_running_it_again(tmp_path: Path) -> None:
    overrides = ["experiment.training.epochs=40", "confirmation.seeds=2", f"storage={tmp_path}"]
    command = [sys.executable, "-m", "fckd.cli.main", "sweep", str(DEMO), "--smoke"]
    command += [word for override in overrides for word in ("--set", override)]
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
    environment.pop("RAY_ADDRESS", None)

    output = tmp_path / "driver.log"
    with _driver(command, environment, output) as driver:
        # one has ended, one runs, one is to come
        _wait_for_trial("0001", tmp_path, driver, output)
    study = _study(tmp_path / "ledger.db")
    assert study.get_trials(states=(optuna.trial.TrialState.RUNNING,))

    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]

    keys = finished_keys(_study(tmp_path / "ledger.db"))
    assert len(keys) == len(set(keys)) == 3
    runs = _mlflow_runs(tmp_path)
    tagged = [run.data.tags["fckd.trial_key"] for run in runs if "fckd.trial_key" in run.data.tags]
    assert len(tagged) == len(set(tagged)) == 3 + 3 * 2
    assert set(keys) <= set(tagged)
    assert {run.info.status for run in runs} == {"FINISHED"}


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGTERM, 128 + signal.SIGTERM), (signal.SIGINT, 130)]
)
def test_a_sweep_that_is_asked_to_end_does_so_within_the_time_that_is_usually_given(
    number: int, code: int, tmp_path: Path
) -> None:
    overrides = ["experiment.training.epochs=2000", "confirmation.seeds=2", f"storage={tmp_path}"]
    command = [sys.executable, "-m", "fckd.cli.main", "sweep", str(DEMO), "--smoke"]
    command += [word for override in overrides for word in ("--set", override)]
    environment = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
    environment.pop("RAY_ADDRESS", None)

    output = tmp_path / "driver.log"
    with _driver(command, environment, output) as driver:
        _wait_for_trial("0000", tmp_path, driver, output)
        # A terminal sends its Ctrl-C to Ray's processes too, a scheduler its SIGTERM to the driver.
        (os.killpg if number == signal.SIGINT else os.kill)(driver.pid, number)
        assert driver.wait(30) == code, output.read_text()
    assert output.read_text().endswith("stopped; run the same command again to go on\n")
    trials = _study(tmp_path / "ledger.db").trials
    states = [trial.state for trial in trials]
    assert optuna.trial.TrialState.RUNNING not in states
    (interrupted,) = [trial for trial in trials if "values" in trial.user_attrs]
    assert interrupted.state is optuna.trial.TrialState.WAITING
    assert list(tmp_path.glob("sweeps/*/trials/*-0000/checkpoint.pt"))


def _kill_a_worker() -> int:
    """Kill the process of a Ray Train worker of this test's own cluster."""
    mine = psutil.Process().children(recursive=True)
    workers = [p for p in mine if "RayTrainWorker" in " ".join(p.cmdline())]
    pid: int = workers[0].pid
    os.kill(pid, signal.SIGKILL)
    return pid


@contextmanager
def _driver(
    command: list[str], environment: dict[str, str], output: Path
) -> Iterator[subprocess.Popen[bytes]]:
    with output.open("wb") as sink:
        # A process group of its own, as a terminal makes one for each command.
        driver = subprocess.Popen(
            command, env=environment, stdout=sink, stderr=sink, start_new_session=True
        )
        try:
            yield driver
        finally:
            driver.kill()
            driver.wait()


def _wait_for_trial(
    number: str,
    storage: Path,
    driver: subprocess.Popen[bytes],
    output: Path,
    seconds: float = 180,
) -> None:
    """Wait until a worker is at a trial."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        assert driver.poll() is None, output.read_text()
        if list(storage.glob(f"sweeps/*/trials/*-{number}")):
            return
        time.sleep(0.1)
    pytest.fail(f"no trial {number} in time:\n{output.read_text()}")


def _study(ledger: Path) -> optuna.Study:
    url = f"sqlite:///{ledger}"
    name = min(optuna.get_all_study_names(url), key=len)
    return optuna.load_study(study_name=name, storage=url)


def _mlflow_runs(storage: Path) -> list[Any]:
    client = MlflowClient(f"sqlite:///{storage / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("demo")
    return list(client.search_runs([experiment.experiment_id]))
