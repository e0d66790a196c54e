"""What cluster/submit.sh finds out on this machine, before a cluster is asked."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

SUBMIT = Path("cluster/submit.sh").resolve()
DEMO = Path("tune_spaces/demo.yaml").resolve()
ENVIRONMENT = Path(sys.executable).parent
NOWHERE = "http://127.0.0.1:1"
NO_DOCUMENT = "no such file"
HEAD = f"""#!/bin/bash
# A head that runs a job as Ray does: in the job's own folder, with the head's environment.
[[ $* =~ --working-dir\\ ([^ ]+) ]] && cd "${{BASH_REMATCH[1]}}" || exit 1
PATH={ENVIRONMENT}:$PATH bash command.sh
exit 1 # so that submit.sh shows what it said
"""


def submit(folder, *arguments, path=(), **environment):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("FCKD_")}
    return subprocess.run(
        [str(SUBMIT), *map(str, arguments)],
        cwd=folder,
        env={**kept, **environment, "PATH": ":".join(map(str, [*path, "/usr/bin", "/bin"]))},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )


@pytest.fixture
def head(tmp_path):
    """A folder with a `ray` that runs jobs here, in place of a head that has its environment."""
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "ray").write_text(HEAD)
    (tmp_path / "bin" / "ray").chmod(0o755)
    return tmp_path / "bin"


def test_without_ray_it_says_to_activate_the_environment(tmp_path):
    ran = submit(tmp_path, DEMO)
    assert ran.returncode == 2
    assert "ray is not in PATH" in ran.stderr
    assert "activate the environment that fckd is installed in" in ran.stderr
    assert "a Ray cluster at" not in ran.stderr


@pytest.mark.parametrize(
    "named", [["demo.yaml"], ["tune_spaces/demo.yaml"], ["compare", "hmdb51.yaml"]]
)
def test_documents_of_the_checkout_are_found_by_name_from_everywhere(tmp_path, named):
    ran = submit(tmp_path, *named, path=[ENVIRONMENT], RAY_API_SERVER_ADDRESS=NOWHERE)
    assert f"a Ray cluster at {NOWHERE}" in ran.stderr  # it came as far as that
    assert NO_DOCUMENT not in ran.stderr


def test_a_comparison_is_no_space_and_a_document_of_nobody_is_refused(tmp_path):
    for named in ("hmdb51.yaml", "nobodys.yaml"):
        ran = submit(tmp_path, named, path=[ENVIRONMENT], RAY_API_SERVER_ADDRESS=NOWHERE)
        assert ran.returncode == 2
        assert f"{NO_DOCUMENT}: {named}" in ran.stderr


def profile(folder, **says):
    file = folder / "team.yaml"
    file.write_text(yaml.safe_dump(says))
    return str(file)


def test_a_profile_of_the_head_names_the_storage(tmp_path, head):
    storage = tmp_path / "team"
    team = profile(tmp_path, storage=str(storage))
    ran = submit(tmp_path, "prepare", DEMO, "--smoke", path=[head], FCKD_PROFILE=team)
    assert list(storage.glob("corpora/synthetic-*")), ran.stderr


@pytest.mark.parametrize("says", [{}, {"storage": "fckd-storage"}])
def test_a_profile_that_names_no_lasting_storage_is_none(tmp_path, head, says):
    team = profile(tmp_path, **says)
    ran = submit(tmp_path, "prepare", DEMO, "--smoke", path=[head], FCKD_PROFILE=team)
    assert "storage in the job's own folder" in ran.stderr
    assert "FCKD_PROFILE" in ran.stderr
