"""Events become MLflow runs: one for the sweep, one nested under it for each trial.

A run is looked for by its tag before it is made, and everything written is written so that
writing it again changes nothing. A retry of a trial and a replay of the spool therefore continue
the runs that are there. What begins or ends a trial or a sweep counts only if it is not older than
what ended it for good: each machine ships its own spool, one of them perhaps weeks after another
machine has finished what it is about.
"""

import logging
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

from mlflow.entities import Metric, Param, Run, RunTag, ViewType
from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from mlflow.tracking.context.registry import resolve_tags

from fckd.events import (
    EpochReported,
    Event,
    Progress,
    Standing,
    SweepEnded,
    SweepStarted,
    TrialEnded,
    TrialStarted,
)
from fckd.names import SWEEP_TAG, TRIAL_TAG
from fckd.tracking import notes
from fckd.tracking.addresses import artifact_location
from fckd.tracking.canvas import save
from fckd.tracking.figures import confusion_figure
from fckd.tracking.new_database import make_database
from fckd.tracking.sink import Refused
from fckd.tracking.values import flat_texts, milliseconds, parts, safe_name

STATE_TAG = "fckd.state"
REASON_TAG = "fckd.reason"
EPOCHS_TAG = "fckd.epochs"
PARENT_TAG = "mlflow.parentRunId"
NOTE_TAG = "mlflow.note.content"

MAKER_TAGS = ("mlflow.user", "mlflow.source.name", "mlflow.source.type")

PARAMETERS_A_BATCH = 100
METRICS_A_BATCH = 999
"""MLflow's own limits: 1000 things a request, one of them the tag that counts the epochs."""

_STATUS_OF_TRIAL = {
    "finished": "FINISHED",
    "pruned": "FINISHED",
    "failed": "FAILED",
    "interrupted": "KILLED",
}
SETTLED = ("finished", "pruned", "failed")
"""States of trials that do not go on."""
SWEEP_SETTLED = ("finished",)
"""States of sweeps that do not go on, unless they are asked for more."""
_STATUS_OF_SWEEP = {"finished": "FINISHED", "failed": "FAILED"}

_FOR_GOOD = {
    "INVALID_PARAMETER_VALUE",
    "BAD_REQUEST",
    "RESOURCE_DOES_NOT_EXIST",
    "RESOURCE_ALREADY_EXISTS",
    "INVALID_STATE",
}

_log = logging.getLogger(__name__)


class MlflowSink:
    """Writes events to one MLflow experiment. Connects when it is made.

    Args:
        tracking_uri: Of a server or a database.
        experiment: Name of the experiment; made if absent.
        artifact_root: Where its files go; `None` lets the server choose.
    """

    def __init__(self, tracking_uri: str, experiment: str, artifact_root: str | None) -> None:
        # a new SQLite store announces each of its tables, in the middle of the live display
        for talkative in ("mlflow", "alembic"):
            logging.getLogger(talkative).setLevel(logging.WARNING)
        # what a database refuses is raised too, and told once by the tracker
        logging.getLogger("mlflow.store.db").setLevel(logging.CRITICAL)
        make_database(tracking_uri)
        self._client = MlflowClient(tracking_uri)
        self._experiment = _experiment_id(
            self._client, experiment, artifact_location(artifact_root, experiment)
        )
        self._sweep_run: str | None = None
        self._trial_runs: dict[str, str] = {}
        self._epochs: dict[str, int] = {}

    def __call__(self, events: Sequence[Event]) -> None:
        """Write `events`, epochs that follow each other in one request a trial.

        Raises:
            Refused: MLflow will never take one of them.
        """
        for event in _together(events):
            try:
                self._take(event)
            except Exception as error:
                if _is_for_good(error):
                    raise Refused(f"{_kind(event)}: {error}") from error
                raise

    def _take(self, event: Event | list[EpochReported]) -> None:
        match event:
            case SweepStarted():
                self._start_sweep(event)
            case TrialStarted():
                self._start_trial(event)
            case list():
                self._report_epochs(event)
            case TrialEnded():
                self._end_trial(event)
            case SweepEnded():
                self._end_sweep(event)
            case Progress() | Standing():
                return

    def _start_sweep(self, event: SweepStarted) -> None:
        run = self._find_or_create(
            SWEEP_TAG, event.sweep, event.sweep, {NOTE_TAG: notes.of_sweep(event)}
        )
        self._sweep_run = run.info.run_id
        if not _is_settled_since(run, event.time, SWEEP_SETTLED):
            self._open(run, event.parameters, event.tags)

    def _end_sweep(self, event: SweepEnded) -> None:
        run = self._find_or_create(SWEEP_TAG, event.sweep, event.sweep, {})
        if _is_settled_since(run, event.time, SWEEP_SETTLED):
            return
        run_id = run.info.run_id
        # A sweep that is run again ends again, with what it knew already or with more trials' news.
        known = run.data.metrics
        news = {n: v for n, v in event.metrics.items() if known.get(safe_name(n)) != v}
        self._log(run_id, metrics=_metrics(news, event.time, step=0), tags=event.tags)
        self._keep_files(run_id, event.files)
        self._close(run_id, _STATUS_OF_SWEEP.get(event.state, "KILLED"), event.state, event.time)

    def _start_trial(self, event: TrialStarted) -> None:
        run = self._find_or_create(
            TRIAL_TAG,
            event.trial_key,
            event.name,
            {NOTE_TAG: notes.of_trial(event), "fckd.phase": event.phase} | self._parent(),
            start_ms=milliseconds(event.time),
        )
        self._remember(event.trial_key, run)
        if not _is_settled_since(run, event.time):
            self._open(run, event.parameters, event.tags)

    def _report_epochs(self, epochs: Sequence[EpochReported]) -> None:
        by_trial: dict[str, dict[int, EpochReported]] = defaultdict(dict)
        for event in epochs:
            run_id = self._trial_run(event.trial_key)
            # a retry repeats epochs that its trial has already reported
            if event.epoch > max(by_trial[run_id], default=self._epochs[event.trial_key]):
                by_trial[run_id][event.epoch] = event
        for run_id, new in by_trial.items():
            self._log_epochs(run_id, list(new.values()))

    def _log_epochs(self, run_id: str, epochs: Sequence[EpochReported]) -> None:
        most = max([1, *(len(event.metrics) for event in epochs)])
        for part in parts(epochs, max(1, METRICS_A_BATCH // most)):
            metrics = [
                metric
                for event in part
                for metric in _metrics(event.metrics, event.time, step=event.epoch)
            ]
            self._log(run_id, metrics=metrics, tags={EPOCHS_TAG: str(part[-1].epoch)})
            self._epochs[part[-1].trial_key] = part[-1].epoch

    def _end_trial(self, event: TrialEnded) -> None:
        run_id = self._trial_run(event.trial_key)
        if _is_settled_since(self._client.get_run(run_id), event.time):
            return
        final = {f"final/{name}": value for name, value in event.metrics.items()}
        reason = {REASON_TAG: event.reason} if event.reason else {}
        self._log(run_id, metrics=_metrics(final, event.time, step=0), tags=reason)
        if event.confusion:
            self._keep_confusion(run_id, event)
        self._close(run_id, _STATUS_OF_TRIAL.get(event.state, "FAILED"), event.state, event.time)

    def _keep_confusion(self, run_id: str, event: TrialEnded) -> None:
        table = {"split": event.split, "classes": event.classes, "counts": event.confusion}
        self._client.log_dict(run_id, table, "confusion.json")
        with tempfile.TemporaryDirectory() as folder:
            picture = _drawn(event, Path(folder) / "confusion.png")
            if picture is not None:
                self._client.log_artifact(run_id, str(picture))

    def _keep_files(self, run_id: str, files: Mapping[str, str]) -> None:
        for name, given in files.items():
            path = Path(given)
            # MLflow names an artefact after its file; the event may call it otherwise
            with tempfile.TemporaryDirectory() as folder:
                kept = Path(folder) / Path(name).name
                kept = kept if kept.suffix else kept.with_suffix(path.suffix)
                shutil.copyfile(path, kept)
                self._client.log_artifact(run_id, str(kept), "report")

    def _find_or_create(
        self, tag: str, value: str, name: str, tags: Mapping[str, str], start_ms: int | None = None
    ) -> Run:
        found = _search(self._client, [self._experiment], tag, value)
        if found is not None:
            return found
        return self._client.create_run(
            self._experiment,
            start_time=start_ms,
            run_name=name,
            tags={**_maker(), **flat_texts(tags), tag: value},
        )

    def _parent(self) -> dict[str, str]:
        return {PARENT_TAG: self._sweep_run} if self._sweep_run else {}

    def _trial_run(self, key: str) -> str:
        if key not in self._trial_runs:
            self._remember(key, self._find_or_create(TRIAL_TAG, key, key, self._parent()))
        return self._trial_runs[key]

    def _remember(self, key: str, run: Run) -> None:
        self._trial_runs[key] = run.info.run_id
        self._epochs[key] = int(run.data.tags.get(EPOCHS_TAG, 0))

    def _open(self, run: Run, parameters: Mapping[str, object], tags: Mapping[str, str]) -> None:
        """Mark a run as running and write down what it is about; a reopened run keeps its past."""
        run_id = run.info.run_id
        if REASON_TAG in run.data.tags:
            self._client.delete_tag(run_id, REASON_TAG)
        known = run.data.params
        given = flat_texts(parameters)
        changed = {
            f"fckd.changed.{name}": value
            for name, value in given.items()
            if name in known and known[name] != value
        }  # MLflow never changes a parameter, so a new value (a larger budget) becomes a tag
        new = {name: value for name, value in given.items() if name not in known}
        self._log(run_id, parameters=new, tags={**tags, **changed, STATE_TAG: "running"})
        self._client.update_run(run_id, status="RUNNING")

    def _close(self, run_id: str, status: str, state: str, time: float) -> None:
        self._client.set_tag(run_id, STATE_TAG, state)
        self._client.set_terminated(run_id, status, milliseconds(time))

    def _log(
        self,
        run_id: str,
        metrics: list[Metric] | None = None,
        parameters: Mapping[str, str] | None = None,
        tags: Mapping[str, object] | None = None,
    ) -> None:
        for part in parts(list((parameters or {}).items()), PARAMETERS_A_BATCH):
            self._client.log_batch(run_id, params=[Param(name, value) for name, value in part])
        texts = flat_texts(tags or {})
        self._client.log_batch(
            run_id, metrics=metrics or [], tags=[RunTag(name, text) for name, text in texts.items()]
        )


def find_run(tracking_uri: str, tag: str, value: str) -> str | None:
    """Return the id of the run with this tag, in whichever experiment, or `None`."""
    client = MlflowClient(tracking_uri)
    experiments = [found.experiment_id for found in client.search_experiments()]
    run = _search(client, experiments, tag, value)
    return run.info.run_id if run is not None else None


def _drawn(event: TrialEnded, path: Path) -> Path | None:
    """Draw the confusion table; a table that cannot be drawn must not leave its run open."""
    try:
        return save(confusion_figure(event.confusion, event.classes, event.split), path)
    except Exception as error:  # noqa: BLE001 - whatever Matplotlib raises, the table itself is kept
        _log.warning("no picture of the confusion table of %s: %s", event.trial_key, error)
        return None


def _is_settled_since(run: Run, time: float, states: Collection[str] = SETTLED) -> bool:
    """Say whether the run has ended for good, in one of `states`, after `time`.

    Not whether it was interrupted: who goes on with it may have a clock that is behind.
    """
    settled = run.data.tags.get(STATE_TAG) in states
    return settled and (run.info.end_time or 0) > milliseconds(time)


def _search(client: MlflowClient, experiments: list[str], tag: str, value: str) -> Run | None:
    found = client.search_runs(
        experiments,
        filter_string=f"tags.`{tag}` = '{value}'",
        run_view_type=ViewType.ACTIVE_ONLY,
        max_results=1,
        order_by=["attributes.start_time ASC"],
    )
    return found[0] if found else None


def _experiment_id(client: MlflowClient, name: str, location: str | None) -> str:
    found = client.get_experiment_by_name(name)
    if found is None:
        # without a location, a SQLite store would put files into ./mlruns of the current folder
        return str(client.create_experiment(name, artifact_location=location))
    if found.lifecycle_stage == "deleted":
        _log.warning("the MLflow experiment %r was deleted; it is restored with its runs", name)
        client.restore_experiment(found.experiment_id)
    return str(found.experiment_id)


def _together(events: Sequence[Event]) -> Iterator[Event | list[EpochReported]]:
    """Yield `events` in order, epochs that follow each other as one list."""
    epochs: list[EpochReported] = []
    for event in events:
        if isinstance(event, EpochReported):
            epochs.append(event)
            continue
        if epochs:
            yield epochs
            epochs = []
        yield event
    if epochs:
        yield epochs


def _kind(event: Event | list[EpochReported]) -> str:
    return EpochReported.__name__ if isinstance(event, list) else type(event).__name__


def _metrics(values: Mapping[str, float], time: float, step: int) -> list[Metric]:
    stamp = milliseconds(time)
    return [Metric(safe_name(name), float(value), stamp, step) for name, value in values.items()]


@cache
def _maker() -> dict[str, str]:
    """Return the tags by which MLflow shows who made a run, with which command."""
    return {name: value for name, value in resolve_tags().items() if name in MAKER_TAGS}


def _is_for_good(error: Exception) -> bool:
    if isinstance(error, MlflowException):
        return error.error_code in _FOR_GOOD
    if isinstance(error, OSError):  # also what HTTP clients raise while a server is away
        return isinstance(error, FileNotFoundError)
    return isinstance(error, ValueError | TypeError | KeyError)
