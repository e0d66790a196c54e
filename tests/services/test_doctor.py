"""`fckd doctor` proves the services of a team by a write and a read, and says what to mend."""

import pytest

from tests.cli.command import fckd
from tests.services.postgres import PASSWORD as LEDGER_PASSWORD
from tests.services.tracking import PASSWORD

pytestmark = [pytest.mark.service, pytest.mark.ray]


@pytest.fixture
def said(member, database, tmp_path, monkeypatch):
    """Return a function that runs the doctor and returns its lines by what was examined."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    monkeypatch.setenv("FCKD_LEDGER_URL", database.url(database.create()))

    def examined():
        ran = fckd("doctor")
        assert LEDGER_PASSWORD not in ran.out
        assert PASSWORD not in ran.out
        marked = (line.split(maxsplit=1) for line in ran.out.splitlines() if line[:1].strip())
        return ran.code, {what.partition(":")[0]: f"{mark} {what}" for mark, what in marked}

    return examined


def test_everything_is_written_and_read(said, database):
    code, lines = said()
    assert code == 0, lines
    assert f"postgresql://127.0.0.1:{database.port}/" in lines["ledger"]
    assert "takes a run and gives it back" in lines["MLflow"]
    assert "1 nodes see the storage" in lines["Ray"]


def test_a_wrong_password_is_told_and_the_rest_is_examined_all_the_same(
    said, database, monkeypatch
):
    monkeypatch.setenv("FCKD_LEDGER_URL", database.url("postgres", password="wrong-4711"))
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "wrong-4711")
    code, lines = said()
    assert code == 1
    assert lines["ledger"].startswith("wrong")
    assert lines["MLflow"].startswith("wrong")
    assert lines["storage"].startswith("ok")
    assert not any("wrong-4711" in line for line in lines.values())
