"""Where the ledger is: a file in the storage, or a PostgreSQL database of a team."""

import os
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from filelock import FileLock
from optuna.storages import RDBStorage
from pydantic import SecretStr
from sqlalchemy import URL, Connection, create_engine, make_url
from sqlalchemy.exc import ArgumentError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from fckd.config.settings import VARIABLES
from fckd.errors import Halted, UserError, to_install
from fckd.sweep.lease import SERVER, lock, unlock

LEDGER = "ledger.db"
DRIVER = f"{SERVER}+psycopg2"
LOCKED_SECONDS = 60.0
"""So long another process, a backup say, may hold the SQLite file before that is an error."""
OPENING = "fckd opens a ledger"
CONNECTION = {
    "connect_timeout": 10,
    # A client notices as soon that the server's machine is gone. Without, its main thread would
    # wait for 15 minutes or two hours, deaf to Ctrl-C.
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 60_000,  # milliseconds
    # The server notices within a minute that a client's machine is gone, and frees its locks.
    "options": "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3",
}
VARIABLE = VARIABLES["ledger_url"]


def open_ledger(folder: Path, url: SecretStr | None = None) -> RDBStorage:
    """Open the ledger, which is made if absent.

    Args:
        folder: Of the storage; without an address the ledger is a SQLite file in it.
        url: Of a PostgreSQL database, `postgresql://USER@HOST/NAME`. Its password is in it, in
            PGPASSWORD, or in a password file of PostgreSQL.

    Raises:
        UserError: Not such an address, or the database does not answer or refuses.
    """
    # Two processes that both made its tables would fail, so that they take turns.
    if url is None:
        patience = {"connect_args": {"timeout": LOCKED_SECONDS}}
        # Who may only read makes no tables.
        writes = os.access(folder, os.W_OK)
        with FileLock(folder / "ledger.lock") if writes else nullcontext():
            return RDBStorage(f"sqlite:///{folder / LEDGER}", engine_kwargs=patience)
    with _answering(url) as connection:
        lock(connection, OPENING)
        # What a restart of the server has cut is replaced when it is used.
        kept = {"pool_pre_ping": True, "connect_args": CONNECTION}
        address = _parsed(url).render_as_string(hide_password=False)
        storage = RDBStorage(address, engine_kwargs=kept)
        unlock(connection, OPENING)
    return storage


def existing_ledger(folder: Path, url: SecretStr | None = None) -> RDBStorage:
    """Open the ledger, but make no file.

    Raises:
        UserError: There is none, or the database does not answer or refuses.
    """
    if url is None and not (folder / LEDGER).is_file():  # Optuna would make an empty one
        raise UserError(
            f"there is no ledger {folder / LEDGER}",
            "the ledger that a sweep has written",
            f"name its storage with --storage, or its database with {VARIABLE}",
        )
    return open_ledger(folder, url)


def check_ledger(url: SecretStr | None) -> None:
    """Check that the database of a ledger answers, before anything else is begun.

    Raises:
        UserError: It does not.
    """
    if url is not None:
        with _answering(url):
            pass


def shown(storage: RDBStorage) -> str:
    """Return where a ledger is, without user and password."""
    return _place(storage.engine.url)


def reason(refusal: Exception) -> str:
    """Return in one line why a database refuses, without Optuna's and SQLAlchemy's own words."""
    cause = refusal.__cause__ or refusal  # Optuna's own words guess at invalid data
    return str(getattr(cause, "orig", None) or cause).strip().partition("\n")[0]


def is_shared(storage: RDBStorage) -> bool:
    """Return whether a ledger is on a server, where several storages may use it."""
    return bool(storage.engine.name == SERVER)


@contextmanager
def _answering(url: SecretStr) -> Iterator[Connection]:
    """Connect to a database in which every statement is committed by itself.

    Raises:
        UserError: It refuses, now or inside the block.
        Halted: It does not answer.
    """
    parsed = _parsed(url)
    try:
        engine = create_engine(
            parsed, poolclass=NullPool, isolation_level="AUTOCOMMIT", connect_args=CONNECTION
        )
        with engine.connect() as connection:
            yield connection
    except ImportError as missing:
        raise UserError(
            f"{VARIABLE} names {_place(parsed)}, and {missing.name} is not installed",
            "the driver of PostgreSQL",
            to_install("postgresql"),
        ) from missing
    except SQLAlchemyError as refusal:
        kind = UserError if _has_answered(refusal) else Halted
        raise kind(
            f"{VARIABLE} names {_place(parsed)}: {reason(refusal)}",
            "a PostgreSQL database that answers, in which this user may make tables",
            "start it, or correct the address, the user, or the password (PGPASSWORD)",
        ) from refusal


def _has_answered(refusal: SQLAlchemyError) -> bool:
    """Return whether a server refused by itself, rather than that none could be reached."""
    return not isinstance(refusal, OperationalError) or "FATAL" in str(refusal)


def _parsed(url: SecretStr) -> URL:
    try:
        parsed = make_url(url.get_secret_value())
        known = parsed.get_backend_name() == SERVER and bool(parsed.database)
    except ArgumentError:
        known = False
    if not known:
        # Not even a part is shown: who knows where the password is in it.
        raise UserError(
            f"{VARIABLE} is not the address of a PostgreSQL database",
            "postgresql://USER@HOST:PORT/DATABASE",
            f"correct it, or unset {VARIABLE} to keep the ledger in the storage",
        )
    # What an address means that names no driver changes with the version of SQLAlchemy.
    return parsed.set(drivername=DRIVER) if parsed.drivername == SERVER else parsed


def _place(url: URL) -> str:
    if url.get_backend_name() != SERVER:
        return str(url.database)
    port = f":{url.port}" if url.port else ""
    return f"{SERVER}://{url.host or ''}{port}/{url.database}"
