"""Weights fetched from wherever they are."""

import hashlib

import pytest
from safetensors.torch import save_file

from fckd.cli.weights import with_fetched_weights
from fckd.config.comparison import Comparison
from fckd.config.space import Space
from fckd.errors import UserError
from fckd.models.pretrained import load_pretrained, pretrained_file
from fckd.models.table import build_network
from fckd.registry.connection import quiet
from fckd.registry.pretrained import fetch_pretrained
from fckd.registry.store import Registry
from tests.registry.students import CLASSES, NETWORK, SHAPE, packed, weights

NOWHERE = "sqlite:////nowhere/mlflow.db"
HMDB51 = {"source": "hmdb51", "validation_share": 0.1}


@pytest.fixture(scope="module")
def registry(tmp_path_factory):
    """The address of an MLflow database with a run, and the id of that."""
    folder = tmp_path_factory.mktemp("registry")
    uri = f"sqlite:///{folder / 'mlflow.db'}"
    with quiet():
        from mlflow import MlflowClient

        client = MlflowClient(uri, uri)
        experiment = client.create_experiment("tests", str(folder / "artifacts"))
        return uri, client.create_run(experiment).info.run_id


@pytest.fixture
def begun(registry, tmp_path, monkeypatch):
    """Let a campaign's student begin with a registered one that has such a card."""
    uri, run = registry
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)

    def begin(campaign, **known):
        name = tmp_path.name  # one's own: the same weights are not registered twice
        Registry(uri).register(packed(tmp_path / "student", **known), name, run, {})
        document = campaign.model_dump(mode="json") | {"storage": str(tmp_path / "storage")}
        document["experiment"]["student"]["weights"] = f"models:/{name}@candidate"
        described = type(campaign).model_validate(document)
        return with_fetched_weights(described).experiment.student.weights

    return begin


def fields(corpus):
    student = {"modality": "inertial", "network": "temporal"}
    return {"name": "demo", "experiment": {"corpus": corpus, "student": student}}


def search(corpus=HMDB51):
    parameters = {"training.learning_rate": {"low": 0.001, "high": 0.1}}
    none = {"finalists": 0}
    return Space(**fields(corpus), search={"parameters": parameters}, confirmation=none)


def comparison(corpus=HMDB51, **changes):
    return Comparison(**fields(corpus), **{"arms": {"one": {}, "other": {}}, **changes})


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


def test_a_registered_student_is_fetched(registry, tmp_path):
    uri, run = registry
    student = packed(tmp_path / "student", seed=3)
    Registry(uri).register(student, "teacher", run, {})
    reference = fetch_pretrained("models:/teacher@candidate", tmp_path / "storage", uri)
    found = pretrained_file(tmp_path / "storage", reference)
    assert found.suffix == ".safetensors"
    assert found.read_bytes() == (student / "model.safetensors").read_bytes()


def test_a_search_does_not_begin_with_a_student_that_learnt_its_validation(begun, tmp_path):
    with pytest.raises(UserError, match="may overlap with validation"):
        begun(search(), source="hmdb51", protocols=("split-1",))
    assert kept(tmp_path / "storage") == []


def test_a_comparison_on_validation_does_not_either(begun):
    with pytest.raises(UserError, match="may overlap with validation"):
        begun(comparison(split="validation"), source="hmdb51", protocols=("split-1",))


def test_a_comparison_on_test_may_begin_with_a_student_of_the_same_division(begun):
    assert begun(comparison(), source="hmdb51", protocols=("split-1",)).startswith("sha256:")


@pytest.mark.parametrize(
    "changes",
    [
        {"protocols": ("split-1", "split-2")},
        {"corpus": {**HMDB51, "protocol": "split-2"}},
        {"arms": {"one": {}, "other": {"corpus.protocol": "split-2"}}},
    ],
)
def test_a_student_that_learnt_from_test_samples_of_another_division_is_refused(begun, changes):
    with pytest.raises(UserError, match="may overlap with the test part of split-2"):
        begun(comparison(**changes), source="hmdb51", protocols=("split-1", "split-2"))


def test_a_student_of_other_recordings_may_begin_a_search(begun):
    assert begun(search(), source="utd-mhad").startswith("sha256:")


def test_recordings_of_ones_own_are_not_known_by_the_name_of_their_source(begun):
    table = {"source": "table", "table": "mine.csv", "validation_share": 0.1}
    assert begun(search(table), source="table", protocols=("own",)).startswith("sha256:")


def test_a_registry_that_is_not_there_is_said(tmp_path):
    with pytest.raises(UserError, match="no such database"):
        fetch_pretrained("models:/teacher@candidate", tmp_path / "storage", NOWHERE)
