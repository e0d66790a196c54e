"""The tracker of a command: opened when the campaign has a folder, closed however it ends."""

from pathlib import Path
from types import TracebackType
from typing import Self

from fckd.errors import Stopped
from fckd.events import Event, Listener
from fckd.tracking.tracker import Tracker, open_tracker

SHIP_SECONDS = 120.0
"""The longest wait, at the end, for events that have not reached MLflow."""
HURRY_SECONDS = 10.0
"""The same after an error, after SIGTERM, whose sender does not wait long, and a second Ctrl-C."""


class Shipping:
    """Events of one command on their way to MLflow.

    Args:
        uri: Of MLflow.
        experiment: Its name there.
        root: Where its files go; None where a server decides.

    Attributes:
        left: After the end, how many events stay on disk for the next time.
    """

    def __init__(self, uri: str, experiment: str, root: str | None) -> None:
        self._uri, self._experiment, self._root = uri, experiment, root
        self._tracker: Tracker | None = None
        self.left = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        orderly = isinstance(error, Stopped) and not error.hurried
        hurried = error is not None and not orderly
        if self._tracker is not None:
            self.left = self._tracker.close(HURRY_SECONDS if hurried else SHIP_SECONDS)

    def track(self, folder: Path) -> Listener:
        """Return who keeps the events of the campaign in `folder`."""
        self._tracker = open_tracker(folder, self._uri, self._experiment, self._root)
        return self._tracker

    def tell(self, event: Event) -> None:
        """Keep one more event, after `track`."""
        if self._tracker is None:
            raise ValueError("nothing is tracked yet")
        self._tracker(event)
