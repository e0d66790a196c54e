"""The registry against an MLflow server that keeps the artefacts itself."""

import os
import subprocess
import sys
import time
import urllib.request

import pytest

from fckd.errors import UserError
from fckd.registry.connection import quiet
from fckd.registry.pull import pull
from fckd.registry.store import Registry
from tests.ports import free_port
from tests.registry.students import packed

START_LIMIT = 300.0


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("server")
    port = free_port()
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1"]
    command += ["--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{folder / 'mlflow.db'}"]
    command += ["--serve-artifacts", "--artifacts-destination", str(folder / "artifacts")]
    environment = {
        **os.environ,
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false",
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            command, cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True
        )
    try:
        wait_for(f"http://127.0.0.1:{port}/health", process, folder / "log")
        yield f"http://127.0.0.1:{port}"
    finally:
        os.killpg(process.pid, 15)
        process.wait()


def wait_for(address, process, log):
    deadline = time.monotonic() + START_LIMIT
    while True:
        try:
            urllib.request.urlopen(address).close()
        except OSError:
            if process.poll() is not None or time.monotonic() > deadline:
                pytest.fail(log.read_text())
            time.sleep(0.3)
        else:
            return


@pytest.mark.service
def test_a_student_goes_to_a_server_and_back(server, tmp_path, capfd):
    with quiet():
        from mlflow import MlflowClient

        client = MlflowClient(server, server)
        run_id = client.create_run(client.create_experiment("tests")).info.run_id
    registry, student = Registry(server), packed(tmp_path / "student")
    assert registry.register(student, "demo", run_id, {}) == 1
    assert registry.register(student, "demo", run_id, {}) == 1
    assert registry.promote("demo", 1).promote
    expected = {path.name: path.read_bytes() for path in student.iterdir()}
    for pulled in (
        registry.pull("demo", tmp_path / "by_mlflow"),
        pull("demo", tmp_path / "by_rest", server),
        pull("demo/1", tmp_path / "by_version", server),
    ):
        assert {path.name: path.read_bytes() for path in pulled.iterdir()} == expected
    with pytest.raises(UserError, match=r"(?s)no candidates of 'demo'.*: candidate, champion"):
        pull("demo@candidates", tmp_path / "absent", server)
    with pytest.raises(UserError, match=r"(?s)knows no champion of 'other'.*one of: demo"):
        pull("other", tmp_path / "absent", server)
    with pytest.raises(UserError, match="knows no version 9 of 'demo'"):
        pull("demo/9", tmp_path / "absent", server)
    assert capfd.readouterr() == ("", "")
