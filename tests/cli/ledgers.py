"""Ledgers that stop answering after they were opened, and answer again."""

import sqlite3
from pathlib import Path

from fckd.sweep.ledger_places import LEDGER

COLUMNS = {"trials": "state", "study_user_attributes": "value_json", "studies": "study_name"}
"""Of each table: what every question to it asks for."""


def break_ledger(storage: Path, table: str) -> None:
    """Let every question to `table` fail as a lost database would; Optuna still opens it."""
    _rename(storage, table, COLUMNS[table], "lost")


def mend_ledger(storage: Path, table: str) -> None:
    """Let it answer again."""
    _rename(storage, table, "lost", COLUMNS[table])


def _rename(storage: Path, table: str, old: str, new: str) -> None:
    connection = sqlite3.connect(storage / LEDGER)
    connection.execute(f"ALTER TABLE {table} RENAME COLUMN {old} TO {new}")
    connection.close()
