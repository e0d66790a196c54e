"""`fckd report`: a finished sweep's report, written again."""

import json
from pathlib import Path

import optuna

from fckd.errors import UserError
from fckd.sweep.conduct import LEADERBOARD
from fckd.sweep.ledger import embedded_storage
from fckd.tracking.facts import FACTS
from fckd.tracking.report import write_report


def rewrite_report(name: str, storage: Path) -> Path:
    """Write the report of the sweep `name` (its id, or the start of it) and return its path.

    Raises:
        UserError: No such sweep, several, or one that has not ended.
    """
    folder = _find(name, storage / "sweeps")
    try:
        board = json.loads((folder / LEADERBOARD).read_text())
        known = json.loads((folder / FACTS).read_text())
    except OSError as missing:
        raise UserError(
            f"the sweep {folder.name} has no leaderboard yet",
            "a sweep that has ended",
            "run `fckd sweep` again: it goes on where it stopped",
        ) from missing
    study = optuna.load_study(study_name=folder.name, storage=embedded_storage(storage))
    return write_report(folder / "report", board, study, known)


def _find(name: str, sweeps: Path) -> Path:
    there = sorted(path for path in sweeps.glob("*") if path.is_dir())
    found = [path for path in there if path.name == name]
    found = found or [path for path in there if path.name.startswith(f"{name}-")]
    if len(found) != 1:
        raise UserError(
            f"{len(found)} sweeps are called {name} in {sweeps}",
            f"one of: {', '.join(path.name for path in there) or 'none yet'}",
            "give its whole id; --storage names another folder",
        )
    return found[0]
