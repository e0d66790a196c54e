"""Moments in the life of a sweep that a seed can name, and waiting for them."""

import re
import time
from dataclasses import dataclass
from pathlib import Path
from random import Random

LOOK_SECONDS = 0.003
HALF_WRITTEN_SECONDS = 0.5

_NEWS = {
    "epoch": re.compile(rb'"event": "EpochReported"'),
    "report": re.compile(rb'"event": "TrialEnded"'),
    # Its keys end with a seed.
    "confirming": re.compile(rb'"event": "EpochReported", "trial_key": "[^"]*-1\d\d\d"'),
}

STAGES = ("start", "epoch", "checkpoint", "report", "confirming", "ending")


@dataclass(frozen=True)
class Moment:
    """So many seconds after something has happened so many times since the command was started.

    `start`: the command was started. `epoch`: an epoch was heard of. `checkpoint`: one was written,
    and the next one is being written, if it is seen soon. `report`: a trial ended. `confirming`: an
    epoch of the confirmation was heard of. `ending`: the leaderboard is there; report and registry
    are not yet.
    """

    stage: str
    count: int
    seconds: float

    def __str__(self) -> str:
        return f"{self.seconds:.2f} s after {self.stage} {self.count}"


def drawn(generator: Random, stages: tuple[str, ...] = STAGES, most: int = 10) -> Moment:
    """Return a moment of one of the stages, at most so many epochs away."""
    stage = generator.choice(stages)
    match stage:
        case "start":
            return Moment(stage, 1, generator.uniform(0, 20))
        case "epoch" | "confirming":
            return Moment(stage, generator.randint(1, most), generator.uniform(0, 0.2))
        case "checkpoint":
            return Moment(stage, generator.randint(1, most), 0.0)
        case "report":
            return Moment(stage, 1, generator.uniform(0, 0.2))
    return Moment(stage, 1, generator.uniform(0, 4))


def comes(moment: Moment, campaign, driver) -> bool:
    """Wait for the moment; False if the command ended before it."""
    seen = _Seen(campaign)
    while not seen.has(moment):
        if driver.poll() is not None:
            return False
        time.sleep(LOOK_SECONDS)
    if moment.stage == "checkpoint":
        seen.half_written()
    time.sleep(moment.seconds)
    return driver.poll() is None


class _Seen:
    """What has happened since the command was started."""

    def __init__(self, campaign) -> None:
        self._campaign = campaign
        self._before = len(campaign.events())
        self._written: set[tuple[str, int]] = set()
        self._old: set[tuple[str, int]] = set()
        self._count("checkpoint")
        self._old = set(self._written)

    def has(self, moment: Moment) -> bool:
        return self._count(moment.stage) >= moment.count

    def half_written(self) -> None:
        """Wait until a file is being written, without a pause, but not for long."""
        deadline = time.monotonic() + HALF_WRITTEN_SECONDS
        while time.monotonic() < deadline:
            if next(self._campaign.folder.glob("trials/*/.checkpoint.pt.*.partial"), None):
                return

    def _count(self, stage: str) -> int:
        folder = self._campaign.folder
        match stage:
            case "start":
                return 1
            case "checkpoint":
                found = folder.glob("trials/*/checkpoint.pt") if folder else ()
                self._written |= {state for path in found if (state := _state(path))}
                return len(self._written - self._old)
            case "ending":
                board = folder and folder / "leaderboard.json"
                return int(bool(board and board.exists()))
        return len(_NEWS[stage].findall(self._campaign.events(), self._before))


def _state(path: Path) -> tuple[str, int] | None:
    try:
        return path.parent.name, path.stat().st_mtime_ns
    except FileNotFoundError:  # its run has ended meanwhile
        return None
