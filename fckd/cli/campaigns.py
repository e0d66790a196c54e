"""Sweeps and comparisons in a storage, found by what people call them."""

from pathlib import Path

from fckd.errors import UserError

TABLE = "table.md"
"""Of a comparison: its leaderboard, to be pasted."""


def find_campaign(name: str, storage: Path) -> Path:
    """Return the folder of the campaign with the id `name`, or of the newest of that name.

    Raises:
        UserError: There is none.
    """
    there = sorted(path for path in (storage / "sweeps").glob("*") if path.is_dir())
    found = [path for path in there if path.name == name]
    # an id is a name and eight digits: `demo` must not find `demo-large`
    found = found or [path for path in there if path.name.rpartition("-")[0] == name]
    if not found:
        raise UserError(
            f"no sweep is called {name} in {storage / 'sweeps'}",
            f"one of: {', '.join(path.name for path in there) or 'none yet'}",
            "give a name or an id; --storage names another folder",
        )
    return max(found, key=_touched)


def _touched(folder: Path) -> float:
    """Return when anything was last written in `folder` itself (Unix time)."""
    return max(path.stat().st_mtime for path in (folder, *folder.iterdir()))
