"""SQLite without waiting for the disk: processes die in these tests, machines do not."""

import shutil

import optuna
import pytest
from optuna.storages import RDBStorage
from sqlalchemy import Engine, event

from tests.sweep.ledgers import url


def _do_not_wait(connection, _record):
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


@pytest.fixture
def new_storage(_empty_ledger, tmp_path):
    """Return a function that makes an empty ledger in a new folder and returns its address."""

    def make(name):
        folder = tmp_path / str(name)
        folder.mkdir()
        shutil.copy(_empty_ledger, folder)
        return url(folder)

    return make


@pytest.fixture
def storage(new_storage):
    return new_storage("storage")
