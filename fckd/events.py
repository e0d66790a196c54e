"""What a running sweep tells whoever listens: the terminal and the tracker.

Events carry plain values only, so that they can be spooled to disk as JSON and replayed.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Protocol, get_args

State = str
"""`finished`, `pruned` or `failed`; or `interrupted`: the trial goes on when the sweep does."""


@dataclass(frozen=True)
class SweepStarted:
    """A sweep was opened, for the first time or again; earlier versions spooled it without time."""

    sweep: str
    tags: Mapping[str, str] = field(default_factory=dict)
    parameters: Mapping[str, Any] = field(default_factory=dict)
    time: float = 0.0


@dataclass(frozen=True)
class Progress:
    """A countable stage (`prepare`, `teach skeleton`, `lessons skeleton`) moved on."""

    stage: str
    done: int
    total: int
    detail: str = ""


@dataclass(frozen=True)
class TrialStarted:
    """A trial was placed; the same `trial_key` again means a retry of the same trial.

    `phase` is `search` or `confirmation`; `name` is what a person reads.
    """

    trial_key: str
    name: str
    phase: str
    parameters: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    time: float = 0.0


@dataclass(frozen=True)
class EpochReported:
    """One epoch of a trial: `epoch` counts from 1, `metrics` maps names to finite numbers."""

    trial_key: str
    epoch: int
    metrics: Mapping[str, float]
    time: float = 0.0


@dataclass(frozen=True)
class TrialEnded:
    """A trial ended. `confusion` is a classes × classes count table, rows are the true class."""

    trial_key: str
    state: State
    metrics: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""
    confusion: tuple[tuple[int, ...], ...] = ()
    classes: tuple[str, ...] = ()
    split: str = ""
    time: float = 0.0


@dataclass(frozen=True)
class SweepEnded:
    """The sweep ended: final metrics, and files (name -> path on this machine) worth keeping."""

    sweep: str
    state: State
    metrics: Mapping[str, float] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    time: float = 0.0


@dataclass(frozen=True)
class Standing:
    """What is asked of the running sweep has changed: trials at a time, a pause, its end."""

    groups: int
    stopping: bool = False
    paused: bool = False


Event = SweepStarted | Progress | Standing | TrialStarted | EpochReported | TrialEnded | SweepEnded

EVENT_TYPES: dict[str, type[Any]] = {kind.__name__: kind for kind in get_args(Event)}


class Listener(Protocol):
    """Receives every event of a sweep, in order, on the driver. Must not block."""

    def __call__(self, event: Event) -> None:
        """Take note of `event`."""


def to_json(event: Event) -> dict[str, Any]:
    """Return `event` as JSON values with its type's name under `event`."""
    return {"event": type(event).__name__, **asdict(event)}


def from_json(values: Mapping[str, Any]) -> Event:
    """Return the event that `to_json` wrote."""
    fields = {key: _tuples(value) for key, value in values.items() if key != "event"}
    event: Event = EVENT_TYPES[values["event"]](**fields)
    return event


def _tuples(value: Any) -> Any:
    """Return JSON lists as the tuples that they were."""
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value
