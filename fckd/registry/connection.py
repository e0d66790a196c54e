"""Reaching an MLflow server or database: early, clear refusals, and no chatter."""

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from fckd.config.addresses import shown, sqlite_file
from fckd.config.settings import MLFLOW_DATABASES, MLFLOW_SERVERS
from fckd.errors import UserError

PORTS = MLFLOW_SERVERS | MLFLOW_DATABASES
TIMEOUT = 5.0
"""Seconds to wait for a connection; MLflow's own retries would take four minutes."""

_PROGRESS_BAR = "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR"


def check_reachable(tracking_uri: str) -> None:
    """Return if something answers at `tracking_uri`.

    Raises:
        UserError: Not an address of MLflow, no such database file, or nobody listens.
    """
    file = sqlite_file(tracking_uri)
    if file is not None:
        _check_database_file(file)
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


def _check_database_file(path: Path) -> None:
    # MLflow would create an empty database and then know no student
    if not path.is_file():
        raise UserError(
            f"no such database: {path}",
            "the MLflow database that a sweep has written",
            "run a sweep first, or check the address",
        )


def _no_address(tracking_uri: str) -> UserError:
    return UserError(
        f"the tracking address {shown(tracking_uri)}",
        "sqlite:///FILE, postgresql://HOST/NAME, http://HOST:PORT or https://HOST",
        "name the database or the server of the sweep",
    )


def _check_port(tracking_uri: str, host: str, port: int) -> None:
    try:
        socket.create_connection((host, port), TIMEOUT).close()
    except OSError as refusal:
        raise UserError(
            f"cannot reach {shown(tracking_uri)}: {refusal.strerror or refusal}",
            f"an MLflow server or database at {host}:{port}",
            "start it, or check the address",
        ) from refusal
