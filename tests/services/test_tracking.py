"""Tracker, registry and pull through the MLflow server of a team, over real connections."""

import subprocess

import pytest
import requests

from fckd.errors import UserError
from fckd.registry.connection import quiet
from fckd.registry.store import Registry
from fckd.tracking.mlflow_sink import find_run
from fckd.tracking.probe import probe
from fckd.tracking.tracker import open_tracker
from tests.registry.students import packed
from tests.services.contents import contents
from tests.services.postgres import PASSWORD as DATABASE_PASSWORD
from tests.services.tracking import ADMIN_PASSWORD, MEMBER, PASSWORD, SCRIPT
from tests.tracking.stories import EXPERIMENT, SWEEP, Store, end, opening, trial

pytestmark = pytest.mark.service


@pytest.mark.parametrize("user", [None, (MEMBER, "wrong"), ("stranger", PASSWORD)])
@pytest.mark.parametrize(
    "path",
    [
        "/api/2.0/mlflow/experiments/get?experiment_id=0",
        "/api/2.0/mlflow/registered-models/search",
        "/api/2.0/mlflow-artifacts/artifacts?path=.",
        "/",
    ],
)
def test_nobody_gets_in_without_a_users_password(server, user, path):
    answer = requests.get(f"{server.address}{path}", auth=user, timeout=60)
    assert answer.status_code == 401


def test_a_member_gets_in(server):
    path = "/api/2.0/mlflow/experiments/get?experiment_id=0"
    answer = requests.get(f"{server.address}{path}", auth=(MEMBER, PASSWORD), timeout=60)
    assert answer.status_code == 200


def test_a_name_that_was_not_allowed_is_refused(server):
    answer = requests.get(
        f"{server.address}/api/2.0/mlflow/experiments/get?experiment_id=0",
        auth=(MEMBER, PASSWORD),
        headers={"Host": "evil.example"},
        timeout=60,
    )
    assert answer.status_code == 403


def test_a_sweep_is_tracked_with_its_figures_and_report(member, tmp_path):
    tracker = open_tracker(tmp_path / "sweep", member.address, EXPERIMENT)
    table = end(0, confusion=((3, 1), (0, 4)), classes=("wave", "clap"), split="test")
    for event in (opening(), *trial(0)[:-1], table):
        tracker(event)
    assert tracker.close(120) == 0
    store = Store(member.address, "")
    assert store.steps("trial 0", "validation/accuracy") == [1, 2, 3]
    assert {"confusion.png", "confusion.json"} <= store.files("trial 0")


def test_events_wait_for_the_right_password(member, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "wrong")
    refused = open_tracker(tmp_path / "sweep", member.address, "waiting")
    events = (opening(), *trial(0))
    for event in events:
        refused(event)
    assert refused.close(5) == len(events)
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", PASSWORD)
    assert open_tracker(tmp_path / "sweep", member.address, "waiting").close(120) == 0
    assert find_run(member.address, "fckd.sweep", SWEEP)


def test_a_student_goes_through_the_registry_and_back(member, tmp_path):
    with quiet():
        from mlflow import MlflowClient

        client = MlflowClient(member.address, member.address)
        run = client.create_run(client.create_experiment("students")).info.run_id
    registry, student = Registry(member.address), packed(tmp_path / "student")
    assert registry.register(student, "demo", run, {}) == 1
    assert registry.promote("demo", 1).promote
    pulled = registry.pull("demo", tmp_path / "out")
    assert {path.name: path.read_bytes() for path in pulled.iterdir()} == {
        path.name: path.read_bytes() for path in student.iterdir()
    }


def test_a_refused_password_is_the_users_to_mend_and_is_not_repeated(member, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "wrong-4711")
    for ask in (
        lambda: Registry(member.address).pull("demo", tmp_path / "out"),
        lambda: probe(member.address, None),
    ):
        with pytest.raises(UserError) as refusal:
            ask()
        assert "wrong-4711" not in str(refusal.value)
        assert "MLFLOW_TRACKING_USERNAME" in str(refusal.value)


def test_the_server_writes_no_password_into_a_file(server):
    for path, content in contents(server.log.parent):
        for secret in (DATABASE_PASSWORD, ADMIN_PASSWORD, PASSWORD):
            assert secret.encode() not in content, path


def test_a_database_address_with_a_password_is_refused():
    environment = {
        "PATH": "/usr/bin:/bin",
        "MLFLOW_BACKEND_STORE_URI": "postgresql://me:secret-4711@db/mlflow",
        "MLFLOW_ARTIFACTS_DESTINATION": "/artifacts",
        "MLFLOW_AUTH_ADMIN_PASSWORD": ADMIN_PASSWORD,
    }
    ran = subprocess.run([SCRIPT], env=environment, capture_output=True, text=True)
    assert ran.returncode == 2
    assert "PGPASSWORD" in ran.stderr
    assert "secret-4711" not in ran.stderr
