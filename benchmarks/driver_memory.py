"""Memory of a sweep's driver and broker, and seconds a trial, over many trials that do nothing.

Broker, pool and Tune are those of a sweep; a trial finds its outcome written already, as a trial
does whose driver died before it could take note, and ends at once.

    python -m benchmarks.driver_memory [--trials 200] [--samples 500] [--json FILE]

`--samples` is the size of the validation part: predictions for each of them are in an outcome.
"""

import tempfile
import time
from dataclasses import asdict
from pathlib import Path

import optuna
import psutil

from benchmarks.results import parser, tell
from benchmarks.runner_overhead import open_workshop, space_for
from fckd.events import Event, TrialEnded
from fckd.files import make_folder, write_json
from fckd.sweep.cluster import cluster
from fckd.sweep.execution import execute
from fckd.sweep.ledger import Asked
from fckd.sweep.ledger_places import open_ledger
from fckd.sweep.phases import Order, Search
from fckd.sweep.pool import worker_groups
from fckd.train.task import EPOCHS, OUTCOME, SIGHT, Outcome
from tests.sweep.unattended import Unattended

MEBI = 2**20
MARKS = 10


class DoneBefore(Search):
    """A search whose trials are found finished."""

    samples = 0

    def order(self, asked: Asked) -> Order:
        """Return the order of a trial, and leave its outcome where a worker will look."""
        order = super().order(asked)
        outcome = Outcome(
            metrics={"validation/accuracy": int(asked.key[-4:]) % 97 / 97},
            split="validation",
            sample_ids=[f"S001C001P001R001A{number:05d}" for number in range(self.samples)],
            labels=[0] * self.samples,
            predictions=[0] * self.samples,
            confusion=[[1] * 60] * 60,
        )
        folder = make_folder(Path(order.task.folder))
        write_json(folder / SIGHT, {EPOCHS: [{**outcome.metrics, "seconds": 0.0}]})
        write_json(folder / OUTCOME, asdict(outcome))
        return order


class Scale:
    """A listener that weighs the processes every so many trials."""

    def __init__(self, every: int) -> None:
        self.every, self.ended = every, 0
        self.rows: list[tuple[int, float, float, float]] = []
        self._begun = time.perf_counter()

    def __call__(self, event: Event) -> None:
        """Note an event."""
        if isinstance(event, TrialEnded):
            if event.state != "finished":
                raise SystemExit(f"{event.trial_key}: {event.state}: {event.reason}")
            self.ended += 1
            if self.ended % self.every == 0:
                self._weigh()

    def _weigh(self) -> None:
        now = time.perf_counter()
        driver = psutil.Process()
        brokers = [c for c in driver.children(recursive=True) if "ray::Broker" in _title(c)]
        weights = [process.memory_info().rss / MEBI for process in (driver, *brokers)]
        seconds, self._begun = (now - self._begun) / self.every, now
        self.rows.append((self.ended, weights[0], sum(weights[1:]), seconds))


def _title(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline())
    except psutil.Error:  # it has ended meanwhile
        return ""


def main() -> None:
    """Run the trials and print the weights."""
    options = parser(__doc__)
    options.add_argument("--trials", type=int, default=200)
    options.add_argument("--samples", type=int, default=500)
    given = options.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    space, scale = space_for(1, given.trials, {}), Scale(max(1, given.trials // MARKS))
    with tempfile.TemporaryDirectory() as scratch, cluster(space.execution):
        storage = Path(scratch).resolve()
        workshop, folder = open_workshop(space, storage), storage / "sweep"
        search = DoneBefore(space, "memory", open_ledger(storage), folder)
        search.samples = given.samples
        leader = Unattended(space.execution.groups)
        with worker_groups(space.execution, workshop, folder, leader) as ground:
            execute(search, ground, scale, workshop.corpus.classes, leader)
    tell(("trials", "driver, MiB", "broker, MiB", "seconds a trial"), scale.rows, given.json)


if __name__ == "__main__":
    main()
