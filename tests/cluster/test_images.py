"""The images, built for real where no engine runs, and the smoke sweep inside one."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

BUILD = Path("docker/build-without-engine.sh").resolve()
TOOLS = ("buildah", "debootstrap")

pytestmark = [
    pytest.mark.long,
    pytest.mark.service,
    pytest.mark.timeout(3600),
    pytest.mark.skipif(
        os.getuid() != 0 or not all(map(shutil.which, TOOLS)),
        reason=f"needs root, {' and '.join(TOOLS)}",
    ),
]


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """The folder of the built images; FCKD_IMAGES names one to go on with."""
    folder = os.environ.get("FCKD_IMAGES") or tmp_path_factory.mktemp("images")
    ran = _script(folder, "worker-cpu", "tracking", "s3")
    assert ran.returncode == 0, (ran.stdout + ran.stderr)[-5000:]
    return folder


def _script(*arguments):
    command = [str(BUILD), *map(str, arguments)]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True)


def test_the_smoke_sweep_runs_in_the_image_as_nobody_special(images):
    sweep = "id -u && exec fckd sweep demo.yaml --smoke --set storage=/storage"
    ran = _script(images, "run", "worker-cpu", "sh", "-c", sweep)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.startswith("1000")
    assert "registered: demo version 1" in ran.stdout


@pytest.mark.parametrize("image", ["worker-cpu", "tracking", "s3"])
def test_what_is_in_an_image_is_what_the_constraints_say(images, image):
    ran = _script(images, "run", image, "python", "-m", "pip", "freeze", "--exclude", "fckd")
    pinned = {line.lower() for line in Path("constraints.txt").read_text().splitlines()}
    there = {line.lower().partition("+")[0].partition(" @ ")[0] for line in ran.stdout.splitlines()}
    assert len(there) > 5, ran.stderr
    assert there <= pinned


def test_an_image_keeps_nothing_of_the_host_it_was_built_on(images):
    look = "ls -d /etc/pip.conf /root/.config /wheels/* /build 2> /dev/null; env | grep PIP_; true"
    ran = _script(images, "run", "worker-cpu", "sh", "-c", look)
    assert ran.returncode == 0
    assert ran.stdout == ""
