"""One command, one set of files; where they go is said by profile, environment, command line."""

import pytest

from fckd.cli.inputs import artifact_root, tracking_uri
from fckd.tracking.addresses import check_tracking_address
from tests.cli.command import fckd, refusal


@pytest.fixture
def profile(written):
    return written("storage: from-profile\n", "team.yaml")


def stored(place, *words):
    """Return the folder in which a command put its corpus."""
    ran = fckd(*words)
    assert ran.code == 0, ran.err
    (made,) = [path.parent.name for path in place.glob("*/corpora")]
    return made


def test_the_profile_beats_the_document(place, profile, demo):
    path = demo(storage="from-document")
    assert stored(place, "--profile", profile, "prepare", path) == "from-profile"


def test_the_environment_beats_the_profile(place, profile, demo, monkeypatch):
    monkeypatch.setenv("FCKD_STORAGE", "from-environment")
    assert stored(place, "--profile", profile, "prepare", demo()) == "from-environment"


def test_the_command_line_beats_the_environment(place, demo, monkeypatch):
    monkeypatch.setenv("FCKD_STORAGE", "from-environment")
    words = ("prepare", demo(), "--set", "storage=from-command-line")
    assert stored(place, *words) == "from-command-line"


def test_a_profile_from_the_environment_is_for_every_verb(place, profile, demo, monkeypatch):
    monkeypatch.setenv("FCKD_PROFILE", str(profile))
    stored(place, "prepare", demo())
    (manifest,) = (place / "from-profile" / "corpora").glob("*/manifest.json")
    assert "synthetic" in fckd("inspect", manifest.parent.name).out


def test_a_profile_that_is_not_there_is_refused(place, demo):
    assert "no such file: absent" in refusal(place, "--profile", "absent", "prepare", demo())


@pytest.mark.parametrize("kind", ["sqlite", "postgresql", "postgresql+psycopg2", "mysql"])
def test_runs_go_to_an_own_database_and_their_files_into_the_storage(place, monkeypatch, kind):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", f"{kind}:///mlflow.db")
    assert artifact_root(place) == str(place / "artifacts")
    check_tracking_address(tracking_uri(place), artifact_root(place))


@pytest.mark.parametrize("address", ["http://host:5000", "HTTPS://host"])
def test_a_server_says_itself_where_files_go(place, monkeypatch, address):
    monkeypatch.setenv("MLFLOW_TRACKING_URI", address)
    assert artifact_root(place) is None
    check_tracking_address(tracking_uri(place), artifact_root(place))


def test_without_an_address_files_lie_beside_the_database_in_the_storage(place):
    assert artifact_root(place) == str(place / "artifacts")
