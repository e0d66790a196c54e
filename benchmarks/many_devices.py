"""A sweep of thousands of trials on hundreds of devices, simulated: who waits for whom?

    python -m benchmarks.many_devices [--trials 10000] [--devices 512] [--sampler random]
                                      [--epoch-seconds 60] [--epochs 30] [--json FILE]

The broker, the searcher, the ledger (SQLite), sampler and stopping rule are the product's own. Only
the training is made up, and the clock: whatever the driver does is timed as it runs here and takes
as long on that clock, plus what Ray Tune is assumed to take for each report and each start
(`--tune-seconds`). One epoch takes `--epoch-seconds`, give or take a fifth; a trial has one device.
"""

import asyncio
import heapq
import json
import math
import tempfile
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import psutil

from benchmarks.results import parser, tell
from fckd.config.documents import read_document, validate
from fckd.config.space import Space
from fckd.sweep.broker import Broker
from fckd.sweep.ledger_places import open_ledger
from fckd.sweep.phases import Search
from fckd.sweep.proxy import MESSAGES, TASK
from fckd.sweep.searcher import LedgerSearcher
from fckd.train.task import Task
from tests.sweep.unattended import Unattended

SWEEP = "simulated"
MEBIBYTE = 2**20
Work = Callable[[], None]


class Clock:
    """Runs what was asked for, in the order of its time."""

    def __init__(self) -> None:
        self.now = 0.0
        self._agenda: list[tuple[float, int, Work]] = []
        self._numbers = count()

    def at(self, moment: float, work: Work) -> None:
        """Have something done at a moment, or now if that has passed."""
        heapq.heappush(self._agenda, (max(moment, self.now), next(self._numbers), work))

    def run(self) -> None:
        """Do everything."""
        while self._agenda:
            self.now, _, work = heapq.heappop(self._agenda)
            work()


@dataclass
class Driver:
    """One process that does one thing after the other, each as long as it takes here.

    Attributes:
        clock: The simulated one.
        tune_seconds: What Tune takes for each thing.
        busy: Seconds that it worked.
        delays: Seconds that each thing waited for its turn.
    """

    clock: Clock
    tune_seconds: float
    busy: float = 0.0
    delays: list[float] = field(default_factory=list)
    _queue: deque[tuple[float, Callable[[], Work]]] = field(default_factory=deque)
    _works: bool = False

    def ask(self, work: Callable[[], Work]) -> None:
        """Have something done in its turn; `work` returns what follows when it is done."""
        self._queue.append((self.clock.now, work))
        if not self._works:
            self._next()

    def _next(self) -> None:
        self._works = bool(self._queue)
        if not self._works:
            return
        asked, work = self._queue.popleft()
        self.delays.append(self.clock.now - asked)
        begun = time.perf_counter()
        follows = work()
        took = time.perf_counter() - begun + self.tune_seconds
        self.busy += took
        self.clock.at(self.clock.now + took, partial(self._done, follows))

    def _done(self, follows: Work) -> None:
        follows()
        self._next()


class Handle:
    """The broker as an actor handle, which answers at once."""

    def __init__(self, broker: Broker, loop: asyncio.AbstractEventLoop) -> None:
        self._broker, self._loop = broker, loop

    def __getattr__(self, method: str) -> Any:
        class Method:
            def remote(_, *arguments: Any) -> Any:  # noqa: N805
                answer = getattr(self._broker, method)(*arguments)
                return self._loop.run_until_complete(answer)

        return Method()


class Cluster:
    """Devices that train made-up students, and a driver that has them search."""

    def __init__(self, space: Space, storage: Path, given: Any) -> None:
        self.clock, self.random = Clock(), np.random.default_rng(0)
        self.driver = Driver(self.clock, given.tune_seconds)
        self.devices, self.epoch_seconds = given.devices, given.epoch_seconds
        self.trained = self.epochs = 0.0
        self.last_start = 0.0
        self._broker = Handle(Broker(retries=2), asyncio.new_event_loop())
        self.search = Search(space, SWEEP, open_ledger(storage), storage)
        leader = Unattended(given.devices)
        self._searcher = LedgerSearcher(
            self.search, self._broker, lambda _: None, (), None, leader, 1.0, each_its_own=False
        )
        self._length = space.experiment.training.epochs
        self._heard: dict[str, int] = {}

    def run(self) -> None:
        """Search until there is nothing more to try."""
        for number in range(self.devices):
            self.driver.ask(partial(self._start, f"group-{number}"))
        self.clock.run()

    def _start(self, group: str) -> Work:
        """Have the searcher suggest a trial, and a group take it."""
        name = f"tune-{self.clock.now}-{group}"
        suggested = self._searcher.suggest(name)
        if not isinstance(suggested, dict):
            return lambda: None
        task = Task(**json.loads(suggested[TASK]))
        self._heard[task.key] = 0
        return partial(self._begin, name, group, task)

    def _begin(self, name: str, group: str, task: Task) -> None:
        self._broker.submit.remote(task)
        self._broker.next_task.remote(group, None)
        self.last_start = self.clock.now
        talent = self.random.normal(0.6, 0.08)
        self._train(name, group, task, 1, talent)

    def _train(self, name: str, group: str, task: Task, epoch: int, talent: float) -> None:
        seconds = self.epoch_seconds * self.random.uniform(0.8, 1.2)
        self.trained += seconds
        self.epochs += 1
        over = partial(self._epoch_over, name, group, task, epoch, talent)
        self.clock.at(self.clock.now + seconds, over)

    def _epoch_over(self, name: str, group: str, task: Task, epoch: int, talent: float) -> None:
        accuracy = talent * (1 - math.exp(-3 * epoch / self._length)) + self.random.normal(0, 0.01)
        metrics = {"validation/accuracy": accuracy, "seconds": self.epoch_seconds}
        verdict = self._broker.report.remote(task.key, epoch, metrics)
        if verdict == "go on" and epoch < self._length:
            self.driver.ask(partial(self._hear, name, task.key))
            self._train(name, group, task, epoch + 1, talent)
            return
        state = "finished" if epoch == self._length and verdict == "go on" else "pruned"
        outcome = {"metrics": metrics} if state == "finished" else None
        self._broker.finish.remote(task.key, state, "", outcome)
        self.driver.ask(partial(self._hear_the_end, name, task.key, group))

    def _hear(self, name: str, key: str) -> Work:
        """Let the searcher hear all that waits, as a proxy reports it."""
        told = self._broker._broker._told[key]
        if len(told) > self._heard[key]:
            news = self._broker.messages.remote(key, self._heard[key])
            self._heard[key] += len(news)
            self._searcher.on_trial_result(name, {MESSAGES: json.dumps(news)})
        return lambda: None

    def _hear_the_end(self, name: str, key: str, group: str) -> Work:
        self._hear(name, key)
        self._searcher.on_trial_complete(name)
        return partial(self.driver.ask, partial(self._start, group))


def simulate(given: Any, storage: Path) -> list[tuple[str, float | str]]:
    """Run a simulated sweep and return what was seen."""
    changes = [
        f"budget.trials={given.trials}",
        f"search.sampler={given.sampler}",
        f"experiment.training.epochs={given.epochs}",
        f"stopping.grace_epochs={max(1, given.epochs // 10)}",
    ]
    space = validate(Space, read_document(Path("demo.yaml"), overrides=changes), "demo")
    process, begun = psutil.Process(), time.perf_counter()
    cluster = Cluster(space, storage, given)
    before = process.memory_info().rss
    cluster.run()
    driver, held = cluster.driver, given.devices * cluster.clock.now
    delays = sorted(driver.delays)
    ended = cluster.search.ledger.ended
    return [
        ("trials that ended", len(ended)),
        ("of them to the last epoch", sum(trial.state.name == "COMPLETE" for trial in ended)),
        ("epochs", cluster.epochs),
        ("simulated hours", cluster.clock.now / 3600),
        ("device-hours of training", cluster.trained / 3600),
        ("share of the devices' time in training", cluster.trained / held),
        ("share of the driver's time in use", driver.busy / cluster.clock.now),
        ("driver, seconds a report or start (mean)", driver.busy / len(delays)),
        ("wait for the driver, median, seconds", delays[len(delays) // 2]),
        ("wait for the driver, 99 of 100, seconds", delays[int(len(delays) * 0.99)]),
        ("last trial began at, hours", cluster.last_start / 3600),
        ("ledger, MiB", sum(file.stat().st_size for file in storage.rglob("*.db*")) / MEBIBYTE),
        ("driver's memory gained, MiB", (process.memory_info().rss - before) / MEBIBYTE),
        ("real seconds", time.perf_counter() - begun),
    ]


def main() -> None:
    """Simulate, and say what was seen."""
    options = parser(__doc__)
    options.add_argument("--trials", type=int, default=10_000)
    options.add_argument("--devices", type=int, default=512)
    options.add_argument("--sampler", default="random")
    options.add_argument("--epoch-seconds", type=float, default=60.0)
    options.add_argument("--epochs", type=int, default=30)
    options.add_argument("--tune-seconds", type=float, default=0.02)
    given = options.parse_args()
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    with tempfile.TemporaryDirectory() as scratch:
        found = simulate(given, Path(scratch))
    tell((f"{given.trials} trials, {given.devices} devices", "figure"), found, given.json)


if __name__ == "__main__":
    main()
