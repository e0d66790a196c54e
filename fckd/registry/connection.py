"""Reaching an MLflow server or database: early, clear refusals, and no chatter."""

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from fckd.config.settings import MLFLOW_DATABASES, MLFLOW_SERVERS
from fckd.errors import UserError

SQLITE = "sqlite:///"
PORTS = MLFLOW_SERVERS | MLFLOW_DATABASES
TIMEOUT = 5.0
"""Seconds to wait for a connection; MLflow's own retries would take four minutes."""

_PROGRESS_BAR = "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"


def check_reachable(tracking_uri: str) -> None:
    """Return if something answers at `tracking_uri`.

    Raises:
        UserError: Not an address of MLflow, no such database file, or nobody listens.
    """
    if tracking_uri.startswith(SQLITE):
        _check_database_file(tracking_uri)
        return
    try:
        address = urlsplit(tracking_uri)
        host, port = address.hostname, address.port
    except ValueError as refusal:
        raise _no_address(tracking_uri) from refusal
    kind = address.scheme.partition("+")[0]
    if kind not in PORTS or host is None:
        raise _no_address(tracking_uri)
    _check_port(tracking_uri, host, port or PORTS[kind])


@contextmanager
def quiet() -> Iterator[None]:
    """Silence MLflow inside the block: no INFO lines, emoji, progress bars or usage reports.

    Logger levels and the progress bar are restored afterwards. The refusal of usage reports
    stays, because MLflow reads it when it is first imported.
    """
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    loggers = [logging.getLogger(name) for name in ("mlflow", "alembic")]
    levels = [logger.level for logger in loggers]
    bar = os.environ.get(_PROGRESS_BAR)
    os.environ[_PROGRESS_BAR] = "false"
    try:
        for logger in loggers:
            logger.setLevel(logging.WARNING)
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
        if bar is None:
            del os.environ[_PROGRESS_BAR]
        else:
            os.environ[_PROGRESS_BAR] = bar


def without_password(address: str) -> str:
    """Return `address` fit to be shown: user, password and query are left out."""
    shown, _, query = address.partition("?")
    scheme, mark, rest = shown.partition("://")
    if "@" in query:  # perhaps that ? was one of the password's
        return f"{scheme}{mark}…"
    return scheme + mark + rest.rpartition("@")[2]


def _check_database_file(tracking_uri: str) -> None:
    # MLflow would create an empty database and then know no student
    path = Path(tracking_uri.removeprefix(SQLITE).partition("?")[0])
    if not path.is_file():
        raise UserError(
            f"no such database: {path}",
            "the MLflow database that a sweep has written",
            "run a sweep first, or check the address",
        )


def _no_address(tracking_uri: str) -> UserError:
    return UserError(
        f"the tracking address {without_password(tracking_uri)}",
        "sqlite:///FILE, postgresql://HOST/NAME, http://HOST:PORT or https://HOST",
        "name the database or the server of the sweep",
    )


def _check_port(tracking_uri: str, host: str, port: int) -> None:
    try:
        socket.create_connection((host, port), TIMEOUT).close()
    except OSError as refusal:
        raise UserError(
            f"cannot reach {without_password(tracking_uri)}: {refusal.strerror or refusal}",
            f"an MLflow server or database at {host}:{port}",
            "start it, or check the address",
        ) from refusal
