"""One MLflow store for all tests of the room: making its tables takes most of the time."""

import shutil
from pathlib import Path

import pytest
from mlflow.tracking import MlflowClient

from tests.tracking.stories import Store


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory) -> Path:
    """A migrated SQLite store without any run."""
    path = tmp_path_factory.mktemp("store") / "mlflow.db"
    MlflowClient(f"sqlite:///{path}").search_experiments()
    return path


@pytest.fixture
def store(empty_store, tmp_path) -> Store:
    """An own copy of the empty store."""
    path = tmp_path / "mlflow.db"
    shutil.copyfile(empty_store, path)
    return Store(f"sqlite:///{path}", str(tmp_path / "artifacts"))
