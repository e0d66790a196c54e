"""A folder to work in, the demo's smoke run once, a small registry, and a tiny UTD-MHAD."""

import shutil
from pathlib import Path

import pytest
import yaml

from fckd.config.documents import read_document
from fckd.config.settings import PROFILE, VARIABLES
from fckd.registry.connection import quiet
from fckd.registry.store import Registry
from tests.cli.command import Ran, fckd
from tests.data.conftest import utd, utd_files  # noqa: F401  (fixtures)
from tests.registry.students import packed

SPACES = Path(__file__).parents[2] / "tune_spaces"
DEMO = SPACES / "demo.yaml"
UTD = SPACES / "utd_mhad_inertial.yaml"
FLOW = SPACES.parent / "comparisons" / "demo_flow.yaml"

_ENVIRONMENT = (PROFILE, *VARIABLES.values(), "FCKD_DATA", "RAY_JOB_CONFIG_JSON_ENV_VAR")


@pytest.fixture(autouse=True)
def place(tmp_path, monkeypatch):
    """The folder in which every command of a test is run."""
    for name in _ENVIRONMENT:
        monkeypatch.delenv(name, raising=False)
    folder = tmp_path / "place"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture
def written(place):
    """Return a function that writes a file and returns its path."""

    def write(text, name="space.yaml"):
        path = place / name
        path.write_text(text, encoding="utf-8")
        return path

    return write


@pytest.fixture
def demo(written):
    """Return a function that writes the demo's smoke space with some fields set."""

    def write(**sections):
        document = read_document(DEMO, smoke=True)
        return written(yaml.safe_dump({**document, **sections}))

    return write


@pytest.fixture(scope="session")
def smoke(tmp_path_factory) -> tuple[Path, dict[str, Ran]]:
    """The storage that the verbs without Ray fill one after the other, and what each said."""
    storage = tmp_path_factory.mktemp("smoke") / "storage"
    verbs = ("prepare", "plan", "teach", "lessons", "distill")
    words = (DEMO, "--smoke", "--set", f"storage={storage}")
    return storage, {verb: fckd(verb, *words) for verb in verbs}


@pytest.fixture
def made(smoke, place):
    """A copy of that storage, which a test may damage; the folder's name is `fckd-storage`."""
    storage, ran = smoke
    assert all(one.code == 0 for one in ran.values()), ran
    return Path(shutil.copytree(storage, place / "fckd-storage"))


@pytest.fixture(scope="session")
def student(tmp_path_factory):
    return packed(tmp_path_factory.mktemp("packed") / "student")


@pytest.fixture(scope="session")
def registry(tmp_path_factory, student):
    """A storage whose MLflow knows one student, `wrist`, version 1, candidate and no champion."""
    storage = tmp_path_factory.mktemp("registry")
    uri = f"sqlite:///{storage / 'mlflow.db'}"
    with quiet():
        from mlflow import MlflowClient

        client = MlflowClient(uri, uri)
        experiment = client.create_experiment("tests", str(storage / "artifacts"))
        run = client.create_run(experiment).info.run_id
    Registry(uri).register(student, "wrist", run, {})
    return storage
