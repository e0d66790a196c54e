"""What cannot work is said in one message, soon, and without secrets."""

import socket
import threading
import time
from functools import partial
from http.server import HTTPServer, SimpleHTTPRequestHandler

import pytest

from fckd.errors import UserError
from fckd.storage.shelf import open_shelf
from tests.storage.artefacts import NAME, write
from tests.storage.server import KEY, SECRET, STRANGER, STRANGERS_SECRET

SOON = 30.0


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("FCKD_CACHE", str(tmp_path / "cache"))


def refused(address):
    """Return what fetching and publishing are refused with."""
    told = []
    for verb in ("fetch", "publish"):
        shelf = open_shelf(address)
        folder = shelf.folder / NAME
        if verb == "publish":
            write(folder)
        started = time.monotonic()
        with pytest.raises(UserError) as refusal:
            getattr(shelf, verb)(folder)
        assert time.monotonic() - started < SOON
        told.append(str(refusal.value))
        assert SECRET not in told[-1]
        assert STRANGERS_SECRET not in told[-1]
    return "\n".join(told)


@pytest.mark.service
def test_a_bucket_that_does_not_exist(s3):
    assert refused("s3://no-such-bucket/x").count("no such bucket") == 2


@pytest.mark.service
def test_a_wrong_secret(place, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", STRANGERS_SECRET)
    assert refused(place).count("does not accept the credentials (SignatureDoesNotMatch)") == 2


@pytest.mark.service
def test_an_unknown_key(place, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDNOBODY")
    assert refused(place).count("does not accept the credentials (InvalidAccessKeyId)") == 2


@pytest.mark.service
def test_an_account_without_permission(place, monkeypatch):
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", STRANGER)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", STRANGERS_SECRET)
    assert refused(place).count("denies access (AccessDenied)") == 2


@pytest.mark.service
def test_no_credentials(place, monkeypatch):
    monkeypatch.delenv("AWS_ACCESS_KEY_ID")
    monkeypatch.delenv("AWS_SECRET_ACCESS_KEY")
    assert refused(place).count("no credentials for S3") == 2


@pytest.fixture
def nowhere(monkeypatch):
    """Credentials and a server's address without a server."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEY)
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
        yield listener


def test_a_dead_endpoint(nowhere):
    told = refused("s3://bucket/x")
    assert told.count("no S3 service answers at 127.0.0.1:") == 2
    assert "AWS_ENDPOINT_URL" in told


def test_an_endpoint_that_never_answers(nowhere, monkeypatch):
    """Three attempts at the limit of fckd/storage/bucket.py take 48 s; here it is shorter."""
    monkeypatch.setattr("fckd.storage.bucket.READ_SECONDS", 1)
    monkeypatch.setattr("fckd.storage.bucket.FIRST_SECONDS", 1)
    nowhere.listen()
    assert refused("s3://bucket/x").count("no S3 service answers") == 2


def test_a_server_of_another_kind(nowhere, monkeypatch, tmp_path):
    """Its 404 does not say that an artefact is absent: that would be made in vain."""
    pages = partial(SimpleHTTPRequestHandler, directory=tmp_path)
    with HTTPServer(("127.0.0.1", 0), pages) as server:
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        told = refused("s3://bucket/x")
        server.shutdown()
        thread.join()
    assert told.count("refuses GetObject: 404") == 2


@pytest.mark.parametrize("endpoint", ["nonsense", "http://"])
def test_an_endpoint_that_is_none(nowhere, monkeypatch, endpoint):
    monkeypatch.setenv("AWS_ENDPOINT_URL", endpoint)
    assert refused("s3://bucket/x").count("AWS_ENDPOINT_URL as http://HOST:PORT") == 2


@pytest.mark.parametrize(
    "given",
    [
        "s3://",
        "s3:/bucket/x",
        "S3://bucket/x",
        "gs://bucket/x",
        "https://host/bucket",
        "s3://UPPER/x",
        "s3://bucket/../x",
        "s3://bucket/a//b",
        "s3://bucket/.hidden",
        "s3://bucket/x?versionId=1",
    ],
)
def test_an_address_that_is_none(given):
    with pytest.raises(UserError, match=r"s3://BUCKET/PREFIX") as refusal:
        open_shelf(given)
    assert given in refusal.value.given


def test_credentials_in_an_address_are_not_repeated():
    with pytest.raises(UserError) as refusal:
        open_shelf(f"s3://{KEY}:{SECRET}@bucket/x")
    assert SECRET not in str(refusal.value)


@pytest.mark.parametrize(
    ("given", "shown"),
    [("s3://bucket", "s3://bucket"), ("s3://bucket/", "s3://bucket"), ("s3://b-1.c/a/", "s3://b-1.c/a")],
)  # fmt: skip
def test_an_address_is_shown_without_its_last_slash(given, shown):
    assert str(open_shelf(given).address) == shown
