"""The files of docker/ and cluster/: valid, and of the versions that constraints.txt names."""

import json
import re
import shutil
import stat
import subprocess
import sys
import tomllib
from pathlib import Path

import jsonschema
import pytest
import ray.autoscaler
import yaml

PROJECT = tomllib.loads(Path("pyproject.toml").read_text())
PINNED = dict(
    line.lower().split("==") for line in Path("constraints.txt").read_text().splitlines() if line
)
COMPOSE = Path("docker/compose.yaml")
SCRIPTS = [
    *Path("cluster").glob("*.sh"),
    *Path("docker").glob("*.sh"),
    Path("cluster/slurm/sweep.sbatch"),
    Path("docker/make-secrets"),
    Path("docker/with-secrets"),
]


@pytest.mark.parametrize("name", ["compose.yaml", "compose.gpu.yaml"])
def test_compose_files_are_accepted_by_the_compose_schema(name):
    checker = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec"]
    ran = subprocess.run([*checker, f"docker/{name}"], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout


def test_the_launchers_file_is_accepted_by_rays_own_schema():
    schema = json.loads((Path(ray.autoscaler.__file__).parent / "ray-schema.json").read_text())
    jsonschema.validate(yaml.safe_load(Path("cluster/launcher/aws.yaml").read_text()), schema)


@pytest.mark.parametrize("script", SCRIPTS, ids=str)
def test_shellcheck_has_nothing_to_say(script):
    assert script.stat().st_mode & stat.S_IXUSR
    shellcheck = Path(sys.executable).with_name("shellcheck")
    ran = subprocess.run([shellcheck, str(script)], capture_output=True, text=True)
    assert ran.returncode == 0, ran.stdout


def test_images_take_every_package_from_the_constraints():
    text = Path("docker/Dockerfile").read_text()
    installs = re.findall(r"pip install (.*)", text)
    assert installs
    assert all("--constraint constraints.txt" in each or "--no-deps ." in each for each in installs)


@pytest.mark.parametrize("image", ["node", "tracking"])
def test_what_an_image_installs_is_pinned(image):
    printed = subprocess.run(
        [sys.executable, "docker/requirements.py", image], capture_output=True, text=True
    ).stdout.split()
    names = {re.match(r"[A-Za-z0-9-]+", each).group().lower() for each in printed}
    assert {"node": {"ray", "torch", "mlflow"}, "tracking": {"mlflow"}}[image] <= names
    assert names <= set(PINNED)


def test_manifests_name_the_pinned_ray():
    named = re.findall(r"rayVersion: (\S+)", Path("cluster/kuberay/base/cluster.yaml").read_text())
    assert named == [PINNED["ray"]]


def test_images_have_the_python_that_is_tested():
    python = PROJECT["tool"]["mypy"]["python_version"]
    for file in ("docker/Dockerfile", "docker/compose.yaml"):
        assert set(re.findall(r"python:([\d.]+)-slim", Path(file).read_text())) == {python}


def test_every_image_of_compose_is_a_target_of_the_dockerfile():
    targets = re.findall(r"^FROM .* AS (\S+)$", Path("docker/Dockerfile").read_text(), re.MULTILINE)
    services = yaml.safe_load(COMPOSE.read_text())["services"].values()
    used = {each["image"].removeprefix("fckd:") for each in services if "fckd:" in each["image"]}
    assert used == {"head", "worker-cpu", "tracking", "s3"}
    assert used <= set(targets)


def test_ports_are_published_on_the_loopback_only():
    services = yaml.safe_load(COMPOSE.read_text())["services"].values()
    ports = [port for each in services for port in each.get("ports", ())]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)


def test_secrets_are_drawn_once_and_for_their_owner_alone(tmp_path):
    shutil.copy("docker/make-secrets", tmp_path)

    def draw():
        subprocess.run([str(tmp_path / "make-secrets")], check=True)
        return {path.name: path.read_text() for path in (tmp_path / "secrets").iterdir()}

    first = draw()
    assert draw() == first
    declared = yaml.safe_load(COMPOSE.read_text())["secrets"].values()
    assert {Path(each["file"]).name for each in declared} == set(first) - {"compose.env"}
    for path in (tmp_path / "secrets").iterdir():
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_git_ignores_the_secrets():
    ran = subprocess.run(["git", "check-ignore", "--quiet", "docker/secrets/ray-token"])
    assert ran.returncode == 0
