"""Seconds that a ledger of thousands of trials takes to open, ask, tell, show and report.

    python -m benchmarks.ledger_scale [--trials 1000] [--epochs 10] [--json FILE]

The ledger is SQLite, of the demo's space with made-up accuracies. `ask`, `tell` and `report` are
medians; `report` is of one of 512 running trials, by the driver and by Optuna's own storage.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.storages import BaseStorage

from benchmarks.results import parser, tell
from fckd.config.documents import read_document, validate
from fckd.config.space import Space
from fckd.sweep.control import PHASES, Control
from fckd.sweep.front import unbeaten
from fckd.sweep.ledger import FIELDS, KEY
from fckd.sweep.ledger_places import open_ledger
from fckd.sweep.own_trials import OwnTrials
from fckd.sweep.phases import Search
from fckd.sweep.status import status_of
from fckd.sweep.suggest import suggester
from fckd.tracking.report import write_report

SWEEP = "scale"
ASKED = 10
RUNNING, PARAMETERS = 512, 5


def space_of(trials: int, sampler: str) -> Space:
    """Return the demo's space with room for more trials than there are."""
    changes = [f"budget.trials={trials + 3 * ASKED}", f"search.sampler={sampler}"]
    document = read_document(Path("demo.yaml"), overrides=changes)
    document["search"]["points"] = []
    return validate(Space, document, "demo")


def fill(storage: optuna.storages.RDBStorage, space: Space, trials: int, epochs: int) -> None:
    """Write ended trials as a sweep leaves them."""
    study = Search(space, SWEEP, storage, Path(SWEEP)).ledger.study
    draw = suggester(space)
    scratch = optuna.create_study(sampler=optuna.samplers.RandomSampler(seed=0))
    random = np.random.default_rng(0)
    ended = []
    for number in range(trials):
        drawn = scratch.ask()
        fields = draw(drawn)
        curve = np.sort(random.uniform(0, 1, epochs)).tolist()
        begun = datetime(2026, 1, 1) + timedelta(minutes=number)
        trial = optuna.trial.create_trial(
            value=curve[-1],
            params=drawn.params,
            distributions=drawn.distributions,
            user_attrs={FIELDS: fields, KEY: f"{SWEEP}-{number:04d}"},
            intermediate_values=dict(enumerate(curve, start=1)),
        )
        trial.datetime_start, trial.datetime_complete = begun, begun + timedelta(seconds=50)
        ended.append(trial)
    study.add_trials(ended)
    described = {"name": SWEEP, "isolation": "pool", "unit": "CPU-hours", "device_hours": None}
    control = Control.open(storage, SWEEP, described)
    phase = {"study": SWEEP, "planned": trials, "minutes": None, "since": time.time()}
    control.write(PHASES, {"search": phase})


def seconds(work: Callable[[], Any]) -> tuple[float, Any]:
    """Return how long `work` took, and what it returned."""
    begun = time.perf_counter()
    found = work()
    return time.perf_counter() - begun, found


def opened(space: Space, place: Path) -> Search:
    """Open the search of `space` again."""
    return Search(space, SWEEP, open_ledger(place), place)


def asking(search: Search) -> tuple[float, float]:
    """Return the median seconds to ask for a trial, and to tell what became of it."""
    asks, tells = [], []
    for _ in range(ASKED):
        took, asked = seconds(search.ledger.ask)
        asks.append(took)
        tells.append(seconds(partial(search.ledger.tell, asked.key, "finished", 0.5))[0])
    return statistics.median(asks), statistics.median(tells)


def reporting(storage: BaseStorage, name: str) -> float:
    """Return the median seconds to report an epoch of a trial, and to hear whether to prune it."""
    study = optuna.create_study(
        storage=storage, study_name=name, pruner=optuna.pruners.SuccessiveHalvingPruner()
    )
    trials = [study.ask() for _ in range(RUNNING)]
    for trial in trials:
        for number in range(PARAMETERS):
            trial.suggest_float(f"x{number}", 0, 1)

    def report(trial: optuna.Trial) -> None:
        trial.report(0.5, 1)
        trial.should_prune()

    return statistics.median(seconds(partial(report, trial))[0] for trial in trials[:ASKED])


def board() -> dict[str, Any]:
    """Return a small leaderboard: a report's cost that grows is the search's."""
    arm = {
        "arm": "student alone", "trial": "", "parameters": {}, "n": 2, "mean": 0.5,
        "deviation": 0.1, "interval": [0.4, 0.6], "seeds": [0, 1], "scores": [0.4, 0.6],
        "confusion": [[1, 0], [0, 1]], "difference": None, "by_protocol": {},
    }  # fmt: skip
    return {
        "sweep": SWEEP, "source": "synthetic", "split": "test", "counts": {"test": 4},
        "classes": ["a", "b"], "arms": [arm], "verdict": "none", "registered": None,
    }  # fmt: skip


def measure(trials: int, epochs: int, place: Path) -> list[tuple[str, float]]:
    """Return what took how long, in seconds."""
    fill(open_ledger(place), space_of(trials, "tpe"), trials, epochs)
    found = []
    for sampler in ("tpe", "random"):
        space = space_of(trials, sampler)
        took, search = seconds(partial(opened, space, place))
        if sampler == "tpe":
            found.append(("open (resume)", took))
        ask, told = asking(search)
        found += [(f"ask, {sampler}", ask), (f"tell, {sampler}", told)]
    plain = optuna.storages.get_storage(open_ledger(place))
    found.append((f"report, {RUNNING} running", reporting(OwnTrials(plain), "own")))
    found.append(("the same by Optuna's own storage", reporting(plain, "plain")))
    found.append(("status", seconds(lambda: status_of(open_ledger(place), SWEEP))[0]))
    ended = search.ledger.ended
    for number, trial in enumerate(ended):
        trial.values = [trial.values[0], float(number)]
    found.append(("front of two objectives", seconds(lambda: unbeaten(ended))[0]))
    study = optuna.load_study(study_name=SWEEP, storage=open_ledger(place))
    found.append(("report", seconds(lambda: write_report(place / "report", board(), study, {}))[0]))
    return found


def main() -> None:
    """Fill a ledger and time what is done with it."""
    options = parser(__doc__)
    options.add_argument("--trials", type=int, default=1000)
    options.add_argument("--epochs", type=int, default=10)
    given = options.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    with tempfile.TemporaryDirectory() as scratch:
        rows = measure(given.trials, given.epochs, Path(scratch))
    tell((f"of {given.trials} trials of {given.epochs} epochs", "seconds"), rows, given.json)


if __name__ == "__main__":
    main()
