"""A whole sweep with its storage in S3, as a user runs it; its own Ray gets its own environment."""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from tests.ray.conftest import DEMO
from tests.services.contents import contents
from tests.storage.server import KEY, SECRET, s3_server

pytestmark = [pytest.mark.ray, pytest.mark.service]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    with s3_server(tmp_path_factory.mktemp("s3")) as running:
        yield running


@pytest.fixture
def sessions():
    """Where Ray keeps its logs: a path that is short enough for its sockets."""
    folder = Path(tempfile.mkdtemp(prefix="ray", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def test_a_sweep_works_through_s3_and_another_machine_goes_on(server, sessions, tmp_path):
    place = server.place()

    def fckd(verb, machine):
        command = [sys.executable, "-m", "fckd.cli.main", verb, str(DEMO.resolve()), "--smoke"]
        environment = {
            **os.environ,
            **server.environment,
            "FCKD_CACHE": str(tmp_path / machine),
            "RAY_TMPDIR": str(sessions),
        }
        for name in ("RAY_ADDRESS", "MLFLOW_TRACKING_URI"):
            environment.pop(name, None)
        ran = subprocess.run(
            [*command, "--set", f"storage={place}"],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout + ran.stderr

    said = fckd("sweep", "driver")
    assert "registered: demo version 1" in said
    lists = [key.split("/") for key in server.keys(place) if key.endswith(".json")]
    whole = [kind for kind, *name in lists if len(name) == 1]
    assert sorted(whole) == ["corpora", "lessons", "lessons", "teachers", "teachers"]
    puts = server.count("PUT")
    said += fckd("lessons", "another")
    assert server.count("PUT") == puts
    leaks = {path: _tells(content) for path, content in contents(tmp_path, sessions)}
    assert len(leaks) > 100
    assert [path for path, told in leaks.items() if told] == []
    assert not _tells(said.encode())


def _tells(content: bytes) -> bool:
    return any(secret.encode() in content for secret in (SECRET, KEY))
