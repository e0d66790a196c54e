"""Sweeps and comparisons in a storage, found by what people call them."""

from pathlib import Path

from fckd.cli.control import answering
from fckd.cli.inputs import settings
from fckd.errors import UserError
from fckd.sweep.control import called, campaigns_called
from fckd.sweep.ledger_places import LEDGER, existing_ledger

TABLE = "table.md"
"""Of a comparison: its leaderboard, to be pasted."""


def find_campaign(name: str, storage: Path) -> Path:
    """Return the folder of the campaign with the id `name`, or of the newest of that name.

    Raises:
        UserError: There is none, or there are several and the ledger does not answer.
    """
    sweeps = storage / "sweeps"
    there = sorted(path.name for path in sweeps.glob("*") if path.is_dir())
    found = called(name, there)
    if not found:
        raise UserError(
            f"no sweep is called {name} in {sweeps}",
            f"one of: {', '.join(there) or 'none yet'}",
            "give a name or an id; --storage names another folder",
        )
    if len(found) == 1:
        return sweeps / found[0]
    opened = _in_ledger(name, storage)
    newest = [campaign for campaign in opened if campaign in found]
    return sweeps / newest[-1] if newest else max(map(sweeps.joinpath, found), key=_touched)


def _in_ledger(name: str, storage: Path) -> list[str]:
    """Return the ids of that name that have a record, in the order in which they were opened."""
    address = settings().ledger_url
    if address is None and not (storage / LEDGER).exists():  # their folders are all that is left
        return []
    ledger = existing_ledger(storage, address)
    with answering(ledger):
        return campaigns_called(name, ledger)[0]


def _touched(folder: Path) -> float:
    """Return when anything was last written in `folder` itself (Unix time)."""
    return max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
