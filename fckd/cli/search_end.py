"""The end of a sweep that only searched: its best trials, on screen and as a file."""

from pathlib import Path
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from fckd.cli.board import short_value
from fckd.cli.lines import say
from fckd.files import write_json
from fckd.sweep.conduct import Searched
from fckd.sweep.leaderboard import TRIALS
from fckd.sweep.ledger import FIELDS, key_of
from fckd.tracking.names import short_names

SHOWN = 5
NOTHING_READ = "confirmation.finalists is 0: this run read no test sample and keeps no student"


def finished_trials(searched: Searched) -> list[dict[str, Any]]:
    """Return the finished trials as JSON values, the most accurate on validation first."""
    ledger = searched.search.ledger
    return [
        {
            "trial": key_of(ledger.name, trial).removeprefix(f"{ledger.name}-"),
            **dict(zip(searched.search.space.search.objectives, trial.values, strict=True)),
            "fields": trial.user_attrs[FIELDS],
        }
        for trial in searched.search.best_first()
    ]


def write_trials(searched: Searched) -> Path:
    """Write the finished trials into the sweep's folder, and return the file."""
    write_json(searched.folder / TRIALS, finished_trials(searched))
    return searched.folder / TRIALS


def print_search(console: Console, searched: Searched, written: Path) -> None:
    """Print the best trials, with the searched fields of each."""
    trials = finished_trials(searched)
    names = short_names(searched.search.space.search.parameters)
    title = f"the best of {len(trials)} finished trials, on validation"
    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD)
    for column in ("trial", "accuracy", "searched"):
        table.add_column(column)
    for trial in trials[:SHOWN]:
        fields = trial["fields"]
        chosen = (
            f"{names[name]}={short_value(name, fields[name])}" for name in names if name in fields
        )
        table.add_row(trial["trial"], f"{100 * trial['accuracy']:.1f} %", Text("  ".join(chosen)))
    console.print()
    console.print(table)
    say(console, NOTHING_READ)
    say(console, f"trials: {written}")
