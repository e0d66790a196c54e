"""Ledgers on SQLite that do not wait for the disk, and on PostgreSQL."""

import shutil
import sqlite3

import optuna
import pytest
from optuna.storages import RDBStorage
from sqlalchemy import Engine, event

from tests.services.postgres import postgres
from tests.sweep.ledgers import url


def _do_not_wait(connection, _record):
    """Processes die in these tests, machines do not."""
    if isinstance(connection, sqlite3.Connection):
        connection.execute("PRAGMA synchronous=OFF")


@pytest.fixture(autouse=True, scope="session")
def _quick_sqlite():
    event.listen(Engine, "connect", _do_not_wait)
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    yield
    event.remove(Engine, "connect", _do_not_wait)


@pytest.fixture(scope="session")
def _empty_ledger(tmp_path_factory):
    """Optuna's tables, made once: that takes longer than everything that a test does."""
    folder = tmp_path_factory.mktemp("empty")
    RDBStorage(url(folder)).engine.dispose()
    return folder / "ledger.db"


@pytest.fixture(scope="session")
def database():
    with postgres() as running:
        yield running


@pytest.fixture(scope="session")
def _empty_database(database):
    """The name of a database with Optuna's tables and nobody connected to it."""
    name = database.create()
    RDBStorage(database.url(name)).engine.dispose()
    return name


@pytest.fixture
def new_storage(request, tmp_path):
    """Return a function that makes an empty ledger and returns its address.

    On SQLite, or on what a test asks for by an indirect parameter: `on_both`.
    """

    def on_sqlite(name):
        folder = tmp_path / str(name)
        folder.mkdir()
        shutil.copy(request.getfixturevalue("_empty_ledger"), folder)
        return url(folder)

    def on_postgresql(_name):
        empty = request.getfixturevalue("_empty_database")
        database = request.getfixturevalue("database")
        return database.url(database.create(empty))

    asked = getattr(request, "param", "sqlite")
    return on_postgresql if asked == "postgresql" else on_sqlite


@pytest.fixture
def storage(new_storage):
    return new_storage("storage")
