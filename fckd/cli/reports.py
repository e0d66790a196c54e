"""`fckd report`: a finished sweep's report, written again."""

import json
from pathlib import Path
from typing import Any

import optuna
from optuna.storages import RDBStorage

from fckd.cli.campaigns import TABLE
from fckd.cli.control import answering
from fckd.cli.inputs import settings
from fckd.errors import UserError
from fckd.sweep.leaderboard import LEADERBOARD, TRIALS
from fckd.sweep.ledger_places import existing_ledger, shown
from fckd.tracking.facts import FACTS
from fckd.tracking.report import write_report
from fckd.train.task import SIGHT


def rewrite_report(folder: Path, storage: Path) -> Path:
    """Write the report of the sweep in `folder`; return its path.

    Raises:
        UserError: A sweep that has not ended or has no confirmation, one whose files are damaged,
            or the ledger does not answer.
    """
    if (folder / TRIALS).exists() and not (folder / LEADERBOARD).exists():
        raise UserError(
            f"{folder.name} was a search alone (confirmation.finalists: 0)",
            "a sweep with a confirmation, of which a report tells",
            f"look at {folder / TRIALS}, or confirm its best trials: raise confirmation.finalists",
        )
    if (folder / TABLE).exists() and not (folder / FACTS).exists():
        raise UserError(
            f"{folder.name} is a comparison",
            "a sweep with a confirmation, of which a report tells",
            f"look at {folder / TABLE}: it is all that a comparison has to tell",
        )
    board, known = _read(folder / LEADERBOARD), _read(folder / FACTS)
    sight = _read(folder / SIGHT) if (folder / SIGHT).exists() else None
    ledger = existing_ledger(storage, settings().ledger_url)
    with answering(ledger):
        return write_report(folder / "report", board, _study(folder.name, ledger), known, sight)


def _read(path: Path) -> dict[str, Any]:
    try:
        content: dict[str, Any] = json.loads(path.read_text())
    except (OSError, ValueError) as refusal:
        what = "not there yet" if isinstance(refusal, FileNotFoundError) else str(refusal)
        raise UserError(
            f"{path}: {what}",
            "what a sweep writes when it has ended",
            "run `fckd sweep` again: it goes on where it stopped",
        ) from refusal
    return content


def _study(name: str, ledger: RDBStorage) -> optuna.Study:
    try:
        return optuna.load_study(study_name=name, storage=ledger)
    except KeyError as unknown:
        raise UserError(
            f"the sweep {name} is not in the ledger {shown(ledger)}",
            "the ledger that the sweep has written",
            "bring it back, or run `fckd sweep` again",
        ) from unknown
