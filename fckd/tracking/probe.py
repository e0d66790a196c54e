"""Does a tracking store take a run and give it back?"""

import uuid

from fckd.errors import UserError
from fckd.events import EpochReported, SweepStarted, TrialStarted
from fckd.names import SWEEP_TAG, TRIAL_TAG
from fckd.tracking.tracker import prepare_environment

EXPERIMENT = "fckd-doctor"
METRIC = "probe"


def probe(tracking_uri: str, artifact_root: str | None) -> None:
    """Write a run with a metric through our own sink, read it back, and delete it.

    Raises:
        UserError: The store does not answer, or returns something else.
    """
    prepare_environment()
    from mlflow import MlflowClient
    from mlflow.exceptions import MlflowException
    from sqlalchemy.exc import SQLAlchemyError

    from fckd.tracking.mlflow_sink import MlflowSink, find_run

    key = uuid.uuid4().hex
    try:
        sink = MlflowSink(tracking_uri, EXPERIMENT, artifact_root)
        sink(
            [
                SweepStarted(key),
                TrialStarted(key, "probe", "search"),
                EpochReported(key, 1, {METRIC: 0.5}),
            ]
        )
        client = MlflowClient(tracking_uri)
        found = find_run(tracking_uri, TRIAL_TAG, key)
        value = client.get_run(found).data.metrics.get(METRIC) if found else None
        for tag in (TRIAL_TAG, SWEEP_TAG):
            run = find_run(tracking_uri, tag, key)
            if run:
                client.delete_run(run)
    except (MlflowException, SQLAlchemyError, OSError) as refusal:
        raise UserError(
            f"MLflow does not answer: {str(refusal).splitlines()[0]}",
            "a server or database that can be written",
            "start it, or mend MLFLOW_TRACKING_URI (without it a SQLite file is used) or, where it "
            "asks who you are, MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD",
        ) from refusal
    if value is None:
        raise UserError(
            "MLflow took a metric and does not give it back", "the same value", "check its store"
        )
