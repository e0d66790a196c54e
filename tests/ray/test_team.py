"""A sweep on a team's services, all of them real: PostgreSQL, MLflow, S3, and three Ray nodes.

No two machines share a folder: driver, head and workers have caches of their own.
"""

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from tests.chaos.cluster import Cluster
from tests.ray.conftest import DEMO
from tests.services.contents import contents
from tests.services.postgres import PASSWORD as LEDGER_PASSWORD
from tests.services.postgres import postgres
from tests.services.tracking import ADMIN_PASSWORD, tracking_server
from tests.services.tracking import PASSWORD as TRACKING_PASSWORD
from tests.storage.server import SECRET, s3_server

pytestmark = [pytest.mark.ray, pytest.mark.service]

SETTINGS = ("--set", "execution.workers=2")
SWEEP = ("sweep", str(DEMO.resolve()), "--smoke", *SETTINGS)
SECRETS = (SECRET, LEDGER_PASSWORD, TRACKING_PASSWORD, ADMIN_PASSWORD)


@dataclass
class Team:
    """What its members share, and what they said."""

    folder: Path
    environment: dict[str, str]
    said: str = ""

    def fckd(self, machine: str, *words: str) -> str:
        """Run a command on a machine, known by its cache."""
        environment = {**os.environ, **self.environment, "FCKD_CACHE": str(self.folder / machine)}
        ran = subprocess.run(
            [sys.executable, "-m", "fckd.cli.main", "--profile", self.folder / "team.yaml", *words],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
        )
        self.said += ran.stdout + ran.stderr
        assert ran.returncode == 0, ran.stdout + ran.stderr
        return ran.stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("team")


@pytest.fixture(scope="module")
def s3(tmp_path_factory):
    with s3_server(tmp_path_factory.mktemp("s3")) as running:
        yield running


@pytest.fixture(scope="module")
def database():
    with postgres() as running:
        yield running


@pytest.fixture(scope="module")
def cluster(folder, s3):
    """A head without CPUs for workers, and two nodes with one each."""
    started = Cluster()
    try:
        for name, cpus in (("head", 0), ("node0", 1), ("node1", 1)):
            started.environment |= s3.environment | {"FCKD_CACHE": str(folder / name)}
            started.start(name, cpus)
        yield started
    finally:
        started.close()


@pytest.fixture(scope="module")
def team(folder, s3, database, cluster):
    with tracking_server(database, folder) as tracking:
        profile = {"storage": s3.place(), "ray_address": cluster.address}
        (folder / "team.yaml").write_text(yaml.safe_dump(profile))
        secret = {"FCKD_LEDGER_URL": database.url(database.create())}
        known = cluster.environment | s3.environment | tracking.environment | secret
        yield Team(folder, known)


@pytest.fixture(scope="module")
def swept(team):
    return team.fckd("driver", *SWEEP)


def test_two_ranks_on_two_machines_and_a_driver_on_a_third_share_no_folder(swept, folder):
    assert "registered: demo version 1, candidate, champion" in swept
    outcomes = {machine: len([*(folder / machine).rglob("outcome.json")]) for machine in
                ("head", "driver")}  # fmt: skip
    assert outcomes["head"] == 0
    assert outcomes["driver"] > 0


def test_another_machine_reads_how_the_sweep_stands_from_the_ledger(swept, team):
    assert ": finished" in team.fckd("another", "status", "demo")


def test_another_machine_pulls_the_student_from_the_tracking_server(swept, team):
    team.fckd("another", "pull", "demo@champion", "--out", "student")
    assert (team.folder / "student" / "model.safetensors").exists()


def test_another_machine_goes_on_with_what_the_first_one_has_left(swept, team):
    again = team.fckd("another", *SWEEP)
    assert len(scores(swept)) >= 2
    assert scores(again) == scores(swept)


def test_no_secret_is_in_any_file_that_was_written_nor_in_what_was_said(
    swept, team, cluster, s3, database, tmp_path
):
    dumped = tmp_path / "dump"
    for (name,) in database.execute("SELECT datname FROM pg_database WHERE datname ~ '^d'"):
        subprocess.run(
            [database.programs / "pg_dump", "-f", f"{dumped}-{name}", database.url(name)
             .replace("+psycopg2", "")],
            check=True,
        )  # fmt: skip
    stored = tmp_path / "stored"
    stored.mkdir()
    for number, entry in enumerate(s3.client.list_objects_v2(Bucket="artefacts")["Contents"]):
        s3.client.download_file("artefacts", entry["Key"], str(stored / str(number)))
    count, seen, leaks = 0, set(), []
    for path, content in contents(tmp_path, team.folder, *cluster._folders):
        count += 1
        if b"fckd.trial_key" in content:
            seen.add(path.parent)
        if _tells(content):
            leaks.append(path)
    assert count > 100
    assert tmp_path in seen, "the databases were not looked through"
    assert leaks == []
    assert not _tells(team.said.encode())


def scores(said: str) -> list[str]:
    """Return the lines of the leaderboard."""
    return [line for line in said.splitlines() if " to " in line and "%" in line]


def _tells(content: bytes) -> bool:
    return any(secret.encode() in content for secret in SECRETS)
