import tempfile
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.services.hosts import network
from tests.services.postgres import postgres
from tests.services.team import team_service
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


@pytest.fixture(scope="module")
def session():
    """Return a function that makes folders whose names are short enough for Ray's sockets."""
    with ExitStack() as stack:
        yield lambda: Path(
            stack.enter_context(
                tempfile.TemporaryDirectory(prefix="ray", dir="/tmp", ignore_cleanup_errors=True)
            )
        )


@pytest.fixture(scope="module")
def net(tmp_path_factory):
    with network(tmp_path_factory.mktemp("net")) as laid:
        yield laid


@pytest.fixture(scope="module")
def service(net, session):
    with team_service(net, session) as running:
        yield running
