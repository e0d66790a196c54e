"""Weights fetched from wherever they are."""

import hashlib

import pytest
from safetensors.torch import save_file

from fckd.errors import UserError
from fckd.models.pretrained import load_pretrained, pretrained_file
from fckd.models.table import build_network
from fckd.registry.connection import quiet
from fckd.registry.pretrained import fetch_pretrained
from fckd.registry.store import Registry
from tests.registry.students import CLASSES, NETWORK, SHAPE, packed, weights

NOWHERE = "sqlite:////nowhere/mlflow.db"


def kept(storage):
    return sorted(path.name for path in (storage / "pretrained").iterdir())


@pytest.mark.parametrize(
    ("name", "suffix"), [("a.safetensors", ".safetensors"), ("a.pt", ".pt"), ("a.pth.tar", ".pt")]
)
def test_a_file_is_kept_under_what_it_contains(tmp_path, name, suffix):
    (tmp_path / name).write_bytes(b"weights")
    reference = fetch_pretrained(str(tmp_path / name), tmp_path / "storage", NOWHERE)
    digest = hashlib.sha256(b"weights").hexdigest()
    assert reference == f"sha256:{digest}"
    assert kept(tmp_path / "storage") == [f"{digest}{suffix}"]
    assert pretrained_file(tmp_path / "storage", reference).read_bytes() == b"weights"


def test_fetching_again_keeps_one_file(tmp_path):
    (tmp_path / "a.pt").write_bytes(b"weights")
    first = fetch_pretrained(str(tmp_path / "a.pt"), tmp_path / "storage", NOWHERE)
    assert fetch_pretrained(str(tmp_path / "a.pt"), tmp_path / "storage", NOWHERE) == first
    assert len(kept(tmp_path / "storage")) == 1


def test_a_file_that_changes_is_another(tmp_path):
    (tmp_path / "a.pt").write_bytes(b"weights")
    first = fetch_pretrained(str(tmp_path / "a.pt"), tmp_path / "storage", NOWHERE)
    (tmp_path / "a.pt").write_bytes(b"other weights")
    second = fetch_pretrained(str(tmp_path / "a.pt"), tmp_path / "storage", NOWHERE)
    assert first != second
    assert pretrained_file(tmp_path / "storage", first).read_bytes() == b"weights"


@pytest.mark.parametrize("name", ["absent.pt", "."])
def test_a_file_that_cannot_be_read_is_refused_and_leaves_nothing(tmp_path, name):
    with pytest.raises(UserError, match="cannot be copied"):
        fetch_pretrained(str(tmp_path / name), tmp_path / "storage", NOWHERE)
    assert kept(tmp_path / "storage") == []


def test_fetched_weights_fill_a_network(tmp_path):
    save_file(weights(seed=3), tmp_path / "a.safetensors")
    reference = fetch_pretrained(str(tmp_path / "a.safetensors"), tmp_path / "storage", NOWHERE)
    network = build_network(NETWORK, SHAPE, len(CLASSES))
    load_pretrained(network, pretrained_file(tmp_path / "storage", reference))
    assert all((network.state_dict()[name] == value).all() for name, value in weights(3).items())


def test_a_registered_student_is_fetched(tmp_path):
    uri = f"sqlite:///{tmp_path / 'mlflow.db'}"
    with quiet():
        from mlflow import MlflowClient

        client = MlflowClient(uri, uri)
        experiment = client.create_experiment("tests", str(tmp_path / "artifacts"))
        run = client.create_run(experiment).info.run_id
    student = packed(tmp_path / "student", seed=3)
    Registry(uri).register(student, "teacher", run, {})
    reference = fetch_pretrained("models:/teacher@candidate", tmp_path / "storage", uri)
    found = pretrained_file(tmp_path / "storage", reference)
    assert found.suffix == ".safetensors"
    assert found.read_bytes() == (student / "model.safetensors").read_bytes()


def test_a_registry_that_is_not_there_is_said(tmp_path):
    with pytest.raises(UserError, match="no such database"):
        fetch_pretrained("models:/teacher@candidate", tmp_path / "storage", NOWHERE)
