"""Ships spooled events in the background, so that training neither waits nor dies for tracking."""

import logging
import os
import threading
import time
from dataclasses import replace
from pathlib import Path

from fckd.events import Event, Progress, Standing
from fckd.tracking.addresses import check_tracking_address, fingerprint_of
from fckd.tracking.redaction import redact_text
from fckd.tracking.sink import MakeSink, Refused, Sink
from fckd.tracking.spool import Entry, Spool

FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 30.0
CLOSING_PAUSE_S = 1.0
PATIENCE_S = 20.0
"""So long shipping may fail before it is mentioned, once."""
REFUSALS = 2
"""So often a freshly connected sink must refuse an event before it is set aside."""
TOGETHER = 64
"""So many events are shipped at once; MLflow takes a trial's epochs in one request."""
GATHERING_S = 1.0
"""So long events gather after a batch that was not full."""

MLFLOW_ENVIRONMENT = {
    # MLflow's own default is seven retries, some four minutes in one call: the tracker tries
    # again by itself, and close() should hear soon that a server is gone
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "1",
    "MLFLOW_HTTP_REQUEST_BACKOFF_FACTOR": "1",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    # it would print two lines into the live display for every run that ends
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
}

_log = logging.getLogger(__name__)


def open_tracker(
    sweep_folder: Path, tracking_uri: str, experiment: str, artifact_root: str | None = None
) -> "Tracker":
    """Return a tracker that spools in `sweep_folder` and ships to MLflow.

    Args:
        sweep_folder: Where the spool lies; events left there by an earlier process go first, and
            all of them to an address that they were not shipped to last.
        tracking_uri: Of an MLflow server (http), or of a database (`sqlite:///…`).
        experiment: Name of the MLflow experiment; made if absent.
        artifact_root: Folder or address for the experiment's files; a server may choose itself.

    Raises:
        UserError: MLflow cannot track to this address.
    """
    check_tracking_address(tracking_uri, artifact_root)
    prepare_environment()

    def connect() -> Sink:
        # importing mlflow takes seconds, which the background thread has and the driver has not
        from fckd.tracking.mlflow_sink import MlflowSink

        return MlflowSink(tracking_uri, experiment, artifact_root)

    return Tracker(Spool(sweep_folder, fingerprint_of(tracking_uri)), connect)


def prepare_environment() -> None:
    """Set MLflow's limits and silence for this process, where the user has not set them."""
    for name, value in MLFLOW_ENVIRONMENT.items():
        os.environ.setdefault(name, value)


class Tracker:
    """A listener: writes each event down at once and ships it when the sink can be reached.

    Args:
        spool: Where events wait; those of an earlier process are shipped first.
        make_sink: Called in the background, again after each failure.
    """

    def __init__(self, spool: Spool, make_sink: MakeSink) -> None:
        self._spool = spool
        self._make_sink = make_sink
        self._sink: Sink | None = None
        self._wake = threading.Event()
        self._closing = threading.Event()
        self._abandoned = threading.Event()
        self._trouble = _Trouble()
        self._at_most = TOGETHER
        self._thread = threading.Thread(target=self._run, name="fckd-tracker", daemon=True)
        self._thread.start()

    def __call__(self, event: Event) -> None:
        """Spool `event`; progress and standing are for the terminal only."""
        if isinstance(event, Progress | Standing):
            return
        if not event.time:
            # the time must be the same in every replay, or MLflow would keep a metric twice
            event = replace(event, time=time.time())
        self._spool.append(event)
        self._wake.set()

    def close(self, timeout: float = 30.0) -> int:
        """Ship what is left for at most `timeout` seconds; return how many events stay spooled."""
        self._closing.set()
        self._wake.set()
        self._thread.join(timeout)
        self._abandoned.set()
        left = self._spool.pending()
        if not self._thread.is_alive():
            self._spool.close()
        return left

    def _run(self) -> None:
        while not self._abandoned.is_set():
            self._wake.clear()
            last = self._closing.is_set()  # asked first: an event may come while we look
            entries = self._spool.waiting(self._at_most)
            if entries:
                self._attempt(entries)
            elif last:
                return
            else:
                self._wake.wait()

    def _attempt(self, entries: list[Entry]) -> None:
        try:
            self._ship(entries)
        except Refused as refusal:
            self._sink = None
            if len(entries) > 1:
                self._at_most = 1  # alone, the one that is refused shows
            elif self._trouble.refused() >= REFUSALS:
                self._set_aside(entries[0], str(refusal))
        except Exception as error:  # noqa: BLE001 - nothing that MLflow raises may end a sweep
            self._sink = None
            self._at_most = max(1, self._at_most // 2)  # what fails now and then gets on in parts
            self._trouble.failed(error)
            self._rest()
        else:
            self._trouble.is_over()
            if len(entries) == self._at_most:
                self._at_most = min(2 * self._at_most, TOGETHER)
            else:
                self._closing.wait(GATHERING_S)

    def _ship(self, entries: list[Entry]) -> None:
        if self._sink is None:
            self._sink = self._connect()
        try:
            events = [entry.event() for entry in entries]
        except ValueError as error:
            raise Refused(str(error)) from error
        self._sink(events)
        if not self._abandoned.is_set():
            self._spool.mark_shipped(entries[-1])

    def _connect(self) -> Sink:
        sink = self._make_sink()
        opening = self._spool.opening()
        if opening is not None:  # a new sink must know whose trials are coming
            sink([opening])
        return sink

    def _set_aside(self, entry: Entry, reason: str) -> None:
        _log.warning(
            "MLflow refuses an event (%s); it is kept in %s",
            redact_text(reason),
            self._spool.folder,
        )
        self._spool.set_aside(entry, redact_text(reason))
        self._trouble.is_over()

    def _rest(self) -> None:
        """Wait before the next attempt, shorter while somebody waits for `close`."""
        pause = self._trouble.pause()
        if self._closing.is_set():
            self._abandoned.wait(min(pause, CLOSING_PAUSE_S))
        else:
            self._closing.wait(pause)


class _Trouble:
    """How long shipping has been failing, and whether that was mentioned."""

    def __init__(self) -> None:
        self._failures = 0
        self._refusals = 0
        self._since = 0.0
        self._mentioned = False

    def failed(self, error: Exception) -> None:
        now = time.monotonic()
        self._since = self._since if self._failures else now
        self._failures += 1
        if not self._mentioned and now - self._since >= PATIENCE_S:
            self._mentioned = True
            _log.warning(
                "MLflow cannot be reached (%s). Training goes on; the events wait on disk "
                "and are shipped when it answers.",
                " ".join(redact_text(str(error)).split())[:300],
            )

    def refused(self) -> int:
        self._refusals += 1
        return self._refusals

    def pause(self) -> float:
        return float(min(FIRST_PAUSE_S * 2 ** min(self._failures - 1, 10), LONGEST_PAUSE_S))

    def is_over(self) -> None:
        if self._mentioned:
            _log.warning("MLflow answers again; the waiting events are being shipped.")
        self.__init__()  # type: ignore[misc]
