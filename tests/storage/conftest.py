import pytest

from fckd.storage.address import Address
from fckd.storage.cache import Cache
from fckd.storage.shelf import Shelf
from tests.storage.server import s3_server


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    with s3_server(tmp_path_factory.mktemp("s3")) as running:
        yield running


@pytest.fixture
def s3(server, monkeypatch):
    """The server, with this process's environment set up for it."""
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_DEFAULT_REGION", "AWS_SESSION_TOKEN", "FCKD_CACHE_BYTES"):
        monkeypatch.delenv(name, raising=False)
    return server


@pytest.fixture
def place(s3):
    """An empty address in S3."""
    return s3.place()


@pytest.fixture
def machine(place, tmp_path):
    """Return a function that opens the address on a machine, known by a name."""

    def opened(name, limit=None):
        return Shelf(Address.parse(place), Cache(tmp_path / name, limit))

    return opened
