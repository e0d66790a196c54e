"""What a search finds for the epochs it spends: TPE and halving beside random search and a grid.

The product's ledger, samplers and stopping rule are driven by real trainings of the UTD-MHAD
inertial student (skeleton teacher; validation on two training subjects, the test split is never
read). Each of the 693 points of the space was trained once, and its validation curve is replayed to
every strategy and repetition that asks for it. Two trials run at a time, in turns of an epoch.

    python -m benchmarks.search_efficiency [--repeats 25] [--trials 64] [--write]
    python -m benchmarks.search_efficiency --data DIR --storage DIR      # trains all points anew

The second takes about half an hour of one core and writes `benchmarks/search_curves.tsv`; with
`--write`, the first writes `docs/search.md` and its figure and JSON.
"""

import argparse
import math
import os
import platform
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import torch

from benchmarks.search_curves import EPOCHS, Recorded, Trained, name_of, record, space
from benchmarks.search_replay import CurveOf, Replay, replay
from fckd.config.space import Space
from fckd.files import write_bytes, write_json
from fckd.sweep.grid import grid
from fckd.sweep.phases import Search
from fckd.sweep.suggest import suggester
from fckd.tracking.canvas import FAINT, INK, SERIES, footnote, new_figure, percent_axis, save

DOCS = Path(__file__).parent.parent / "docs"
DOCUMENT, FIGURE, JSON = (DOCS / f"search{end}" for end in (".md", "_efficiency.png", ".json"))
BEGIN = "<!-- python -m benchmarks.search_efficiency --write -->"
END = "<!-- end of the table -->"
HALVING_GRACE = 3
HALVING = {"rule": "halving", "grace_epochs": HALVING_GRACE, "reduction": 3}
NO_RULE = {"rule": "none"}
GROUPS = 2
LOWEST = 0.7
"""Of the figure; nobody would keep what scores less."""
BASELINE = "random"


@dataclass(frozen=True)
class Strategy:
    """A way to search.

    Attributes:
        name: What people call it.
        sampler: Of the space.
        stopping: Of the space.
    """

    name: str
    sampler: str
    stopping: dict[str, Any]

    def space(self, seed: int, trials: int) -> Space:
        """Return the space with an ample number of trials: epochs are what ends a search."""
        # At most so many begin: halving ends none before its first rung.
        ample = trials if self.stopping == NO_RULE else trials * EPOCHS // HALVING_GRACE
        return space({"sampler": self.sampler, "seed": seed}, ample, self.stopping)


STRATEGIES = (
    Strategy("TPE + halving", "tpe", HALVING),
    Strategy("random + halving", "random", HALVING),
    Strategy("TPE", "tpe", NO_RULE),
    Strategy(BASELINE, "random", NO_RULE),
    Strategy("grid, shuffled", "grid", NO_RULE),
)

Results = dict[str, list[Replay]]


def run(strategy: Strategy, seed: int, trials: int, curve_of: CurveOf) -> Replay:
    """Search once, for as many epochs as `trials` whole trainings take."""
    given = strategy.space(seed, trials)
    ledger = Search(given, "search", optuna.storages.InMemoryStorage(), Path()).ledger
    return replay(ledger, curve_of, trials * EPOCHS, GROUPS)


def measure(repeats: int, trials: int, curve_of: CurveOf) -> Results:
    """Search with every strategy under the seeds from 0 on."""
    return {
        strategy.name: [run(strategy, seed, trials, curve_of) for seed in range(repeats)]
        for strategy in STRATEGIES
    }


def summary(results: Results, budget: int) -> list[dict[str, Any]]:
    """Return a row for each strategy; spreads are [lower quartile, median, upper quartile].

    What was not reached took infinitely many epochs.
    """
    target = float(np.median([one.best_at(budget) for one in results[BASELINE]]))
    rows = []
    for name, replays in results.items():
        reached = [one.reached(target) or math.inf for one in replays]
        rows.append(
            {
                "strategy": name,
                "target": target,
                "best_after_a_quarter": _spread([one.best_at(budget // 4) for one in replays]),
                "best_after_all": _spread([one.best_at(budget) for one in replays]),
                "share_of_epochs_to_target": _spread([epochs / budget for epochs in reached]),
                "had_it_after_a_quarter": sum(epochs <= budget / 4 for epochs in reached),
                "repeats": len(replays),
                "trials": _spread([len(one.asked) for one in replays])[1],
                "finished": _spread([one.finished for one in replays])[1],
            }
        )
    return rows


def table(rows: Sequence[dict[str, Any]]) -> str:
    """Return the rows in Markdown."""
    head = (
        "search",
        "best after a quarter of the epochs",
        "best after all",
        "share of the epochs until random's final median",
        "searches that had it after a quarter",
        "trials begun, finished",
    )
    cells = [head, ("---",) * len(head), *(_cells(row) for row in rows)]
    return "\n".join(f"| {' | '.join(row)} |" for row in cells)


def figure(results: Results, budget: int, path: Path) -> None:
    """Draw the median and the quartiles of the best score against the epochs spent."""
    repeats = len(results[BASELINE])
    drawn, axes = new_figure("Best validation accuracy against epochs spent", height=4.4)
    epochs = np.arange(EPOCHS, budget + 1)
    for (name, replays), colour in zip(results.items(), SERIES, strict=False):
        best = np.array([[one.best_at(int(spent)) for spent in epochs] for one in replays])
        low, middle, high = np.quantile(best, [0.25, 0.5, 0.75], axis=0)
        axes.fill_between(epochs, low, high, color=colour, alpha=0.1, linewidth=0)
        # Dashed and on top: where two searches do the same, both are seen.
        first = name == STRATEGIES[0].name
        style: dict[str, Any] = {"linestyle": "--", "zorder": 3} if first else {}
        axes.plot(epochs, middle, color=colour, linewidth=1.6, label=name, **style)
    target = np.median([one.best_at(budget) for one in results[BASELINE]])
    axes.axhline(target, color=INK, linewidth=0.8, linestyle=":")
    axes.axvline(budget / 4, color=INK, linewidth=0.8, linestyle=":")
    axes.set_xlabel("epochs spent, over all trials")
    axes.set_ylabel("best validation accuracy of a finished trial")
    axes.grid(color=FAINT, linewidth=0.6)
    axes.set_xlim(0, budget)
    axes.set_ylim(bottom=LOWEST)
    axes.legend(frameon=False, fontsize=8, labelcolor=INK, loc="lower right")
    percent_axis(axes.yaxis)
    footnote(
        drawn,
        f"Median and quartiles of {repeats} searches; UTD-MHAD inertial student, {EPOCHS} epochs "
        "a trial, 2 at a time.\nDotted: where random search ends, and a quarter of its epochs.",
    )
    save(drawn, path)


def write(results: Results, trials: int) -> None:
    """Write the figure, the JSON, and the table into the document."""
    budget = trials * EPOCHS
    rows = summary(results, budget)
    figure(results, budget, FIGURE)
    write_json(
        JSON,
        {
            "command": "python -m benchmarks.search_efficiency --write",
            "machine": f"{platform.machine()}, {os.cpu_count()} cores",
            "versions": {
                "python": platform.python_version(),
                "torch": torch.__version__,
                "optuna": optuna.__version__,
                "numpy": np.__version__,
            },
            "epochs": budget,
            "halving": HALVING,
            "spreads": "lower quartile, median, upper quartile; null: not reached",
            "rows": [{name: _finite(value) for name, value in row.items()} for row in rows],
        },
    )
    before, _, rest = DOCUMENT.read_text().partition(BEGIN)
    _, _, after = rest.partition(END)
    write_bytes(DOCUMENT, f"{before}{BEGIN}\n{table(rows)}\n{END}{after}".encode())


def train_all(data: Path, storage: Path) -> None:
    """Train every point of the space that the storage lacks, and record all curves."""
    torch.set_num_threads(1)
    trained, curves = Trained(data, storage), {}
    everything = space({"sampler": "grid"}, 1, NO_RULE)
    points = [suggester(everything)(optuna.trial.FixedTrial(point)) for point in grid(everything)]
    for number, fields in enumerate(points, start=1):
        curves[name_of(fields)] = trained(fields)
        print(f"\r{number} of {len(points)}", end="", flush=True)
    print()
    record(curves, f"{platform.machine()}, torch {torch.__version__}: right of 216 after an epoch")


def main() -> None:
    """Search the recorded curves and print the table, or record them anew."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--repeats", type=int, default=25)
    parser.add_argument("--trials", type=int, default=64, help="whole trainings' worth of epochs")
    parser.add_argument("--write", action="store_true", help="docs/search.md, figure and JSON")
    parser.add_argument("--data", type=Path, help="recordings: train all points anew")
    parser.add_argument("--storage", type=Path, help="keeps what is trained")
    given = parser.parse_args()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    if given.data:
        train_all(given.data, given.storage or Path("fckd-storage"))
    results = measure(given.repeats, given.trials, Recorded())
    print(table(summary(results, given.trials * EPOCHS)))
    if given.write:
        write(results, given.trials)


def _spread(values: Sequence[float]) -> list[float]:
    """Return quartiles that are values themselves, so that infinity is no obstacle."""
    return [float(value) for value in np.quantile(values, [0.25, 0.5, 0.75], method="inverted_cdf")]


def _cells(row: dict[str, Any]) -> tuple[str, ...]:
    return (
        row["strategy"],
        _range(row["best_after_a_quarter"], "{:.1%}"),
        _range(row["best_after_all"], "{:.1%}"),
        _range(row["share_of_epochs_to_target"], "{:.2f}"),
        f"{row['had_it_after_a_quarter']} of {row['repeats']}",
        f"{row['trials']:.0f}, {row['finished']:.0f}",
    )


def _range(spread: Sequence[float], form: str) -> str:
    low, middle, high = ("never" if math.isinf(value) else form.format(value) for value in spread)
    return f"{middle} ({low} to {high})"


def _finite(value: Any) -> Any:
    if isinstance(value, list):
        return [_finite(one) for one in value]
    return None if value == math.inf else value


if __name__ == "__main__":
    main()
