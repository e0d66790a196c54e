"""Jobs on a real head that cluster/start.sh has started."""

import json
import os
import signal
import stat
import subprocess
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from tests.cluster.conftest import CANARY
from tests.cluster.heads import SUBMIT

pytestmark = [pytest.mark.ray, pytest.mark.service]

DEMO = Path("tune_spaces/demo.yaml")
STOPPED_BY_SIGTERM = 143


def test_a_job_does_its_work_on_the_cluster_and_ends_with_zero(head, tmp_path):
    ran = head.submit("prepare", DEMO, "--smoke", "--set", f"storage={tmp_path}")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "cross-subject: 12 train, 12 test" in ran.stdout
    assert list(tmp_path.glob("corpora/synthetic-*/sheet.png"))


def test_only_the_space_and_the_command_travel(head):
    mine = head.session / "session_latest/runtime_resources/working_dir_files"
    before = set(mine.glob("_ray_pkg_*"))
    head.submit(DEMO, "--set", "storage=/tmp", "--set", "experiment.only_to_be_refused=1")
    (sent,) = {path for path in set(mine.glob("_ray_pkg_*")) - before if path.is_dir()}
    assert sorted(path.name for path in sent.iterdir()) == ["command.sh", "demo.yaml"]


def test_arguments_arrive_as_they_were_given(head):
    odd = "nonsense=$HOME `id` \"two\"  'spaces'"
    ran = head.submit("prepare", DEMO, "--set", "storage=/tmp", "--set", odd)
    assert ran.returncode == 2
    assert f"(given: {odd.partition('=')[2]!r})" in ran.stdout


def test_a_users_mistake_ends_with_two_here_too(head):
    ran = head.submit("prepare", DEMO, "--set", "storage=/tmp", "--set", "experiment.nonsense=1")
    assert ran.returncode == 2
    assert "experiment.nonsense: Extra inputs are not permitted" in ran.stdout


def test_credentials_are_the_clusters_own_and_do_not_travel(head, tmp_path):
    here = "another-canary-77e0"
    ran = head.submit(
        *("--env", "AWS_SECRET_ACCESS_KEY", "prepare", DEMO, "--smoke"),
        *("--set", f"storage={tmp_path}"),
        AWS_SECRET_ACCESS_KEY=here,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    told = json.dumps(head.jobs()) + ran.stdout + ran.stderr
    assert here not in told
    assert CANARY not in told


def test_a_variable_that_the_cluster_lacks_is_named_before_anything_starts(head):
    ran = head.submit("--env", "FCKD_LEDGER_URL", DEMO, FCKD_LEDGER_URL="postgresql://here/only")
    assert ran.returncode == 2
    assert "FCKD_LEDGER_URL is not set on the cluster's head" in ran.stdout


def test_a_storage_that_ray_would_delete_is_refused(head):
    ran = head.submit(DEMO, "--smoke")
    assert ran.returncode == 2
    assert "give --set storage=/FOLDER" in ran.stdout


@pytest.mark.parametrize("token", ["wrong", ""])
def test_without_the_token_nothing_is_submitted(head, tmp_path, token):
    (tmp_path / "token").write_text(token)
    before = len(head.jobs())
    ran = head.submit(DEMO, "--smoke", RAY_AUTH_TOKEN_PATH=str(tmp_path / "token"))
    assert ran.returncode == 2
    assert "AuthenticationError" in ran.stderr
    assert "Traceback" not in ran.stderr
    assert len(head.jobs()) == before


def test_the_head_answers_nobody_without_the_token(head):
    with pytest.raises(HTTPError, match="401"):
        urlopen(f"{head.address}/api/jobs/")


def test_the_token_is_for_its_owner_alone(head):
    assert stat.S_IMODE(head.token.stat().st_mode) == 0o600


@pytest.mark.long
def test_this_checkouts_code_runs_if_it_is_sent_along(head, tmp_path):
    ran = head.submit("--with-code", "prepare", DEMO, "--smoke", "--set", f"storage={tmp_path}")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    (sent,) = head.session.glob("session_latest/runtime_resources/working_dir_files/*/fckd")
    assert (sent / "cli/main.py").exists()


@pytest.mark.long
def test_ctrl_c_stops_the_job_in_order_and_waits_for_it(head, tmp_path):
    given = ["--set", f"storage={tmp_path}", "--set", "execution.groups=1"]
    process = subprocess.Popen(
        [str(SUBMIT), str(DEMO), *given],
        env=head.environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    said = []
    for line in process.stdout:
        said.append(line)
        # Once: what is interrupted has the same number, and a second Ctrl-C would not wait.
        if "[1/20]" in line and "finished" in line:
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to all of them
    text = "".join(said)
    assert process.wait() == STOPPED_BY_SIGTERM, text
    assert "stopped; run the same command again to go on" in text
    (mine,) = [job for job in head.jobs() if f"job {job['submission_id']};" in text]
    assert mine["status"] == "STOPPED"
