"""Sweeps as lists of events, and a store to look at afterwards."""

from dataclasses import dataclass

from mlflow.entities import Run
from mlflow.tracking import MlflowClient

from fckd.events import EpochReported, Event, SweepEnded, SweepStarted, TrialEnded, TrialStarted

SWEEP = "demo-1"
EXPERIMENT = "demo"


@dataclass(frozen=True)
class Store:
    """An MLflow store and what is in it."""

    uri: str
    artifacts: str

    @property
    def client(self) -> MlflowClient:
        return MlflowClient(self.uri)

    def runs(self) -> list[Run]:
        found = self.client.get_experiment_by_name(EXPERIMENT)
        return list(self.client.search_runs([found.experiment_id])) if found else []

    def run(self, name: str) -> Run:
        (found,) = [run for run in self.runs() if run.info.run_name == name]
        return found

    def steps(self, name: str, metric: str) -> list[int]:
        history = self.client.get_metric_history(self.run(name).info.run_id, metric)
        return sorted(value.step for value in history)

    def files(self, name: str, folder: str | None = None) -> set[str]:
        listed = self.client.list_artifacts(self.run(name).info.run_id, folder)
        return {file.path for file in listed}


def opening(*, time: float = 100.0, **parameters) -> SweepStarted:
    parameters = {"budget.trials": 2} | parameters
    return SweepStarted(SWEEP, {"fckd.source": "synthetic"}, parameters, time)


def start(number: int, *, time: float = 100.0) -> TrialStarted:
    return TrialStarted(
        f"{SWEEP}:{number}",
        f"trial {number}",
        "search",
        {"focal.ratio": 0.5, "objective": {"logits": {"weight": 1.0}}},
        time=time,
    )


def epoch(number: int, epoch: int, *, time: float | None = None) -> EpochReported:
    metrics = {
        "validation/accuracy": epoch / 10,
        "train/cross_entropy": 1 / epoch,
        "gradient/correlation": 0.25,
    }
    return EpochReported(f"{SWEEP}:{number}", epoch, metrics, time or 100.0 + epoch)


def end(number: int, state: str = "finished", **fields) -> TrialEnded:
    fields = {"metrics": {"validation/accuracy": 0.3}, "time": 200.0} | fields
    return TrialEnded(f"{SWEEP}:{number}", state, **fields)


def trial(number: int, epochs: int = 3) -> list[Event]:
    return [start(number), *(epoch(number, index) for index in range(1, epochs + 1)), end(number)]


def whole_sweep(trials: int = 2) -> list[Event]:
    events: list[Event] = [opening()]
    for number in range(trials):
        events += trial(number)
    return [*events, SweepEnded(SWEEP, "finished", {"test/accuracy": 0.7}, time=300.0)]
