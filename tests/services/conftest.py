import pytest

from tests.services.postgres import postgres
from tests.services.tracking import tracking_server


@pytest.fixture(scope="session")
def database():
    with postgres() as running:
        yield running


@pytest.fixture(scope="session")
def server(database, tmp_path_factory):
    with tracking_server(database, tmp_path_factory.mktemp("tracking")) as running:
        yield running


@pytest.fixture
def member(server, monkeypatch):
    """The server, with this process's environment set up for a member of the team."""
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    return server
