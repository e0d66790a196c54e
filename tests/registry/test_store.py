"""The registry against a real MLflow on SQLite."""

import io
import logging
import pickletools
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import numpy as np
import pytest

from fckd.errors import UserError
from fckd.registry.connection import quiet
from fckd.registry.lineage import run_link
from fckd.registry.store import Registry
from fckd.registry.student import load_student
from fckd.registry.sums import write_sums
from fckd.registry.versions import champion_of
from tests.ports import free_port
from tests.registry.keys import key_pair
from tests.registry.students import CLASSES, packed, readings

PLAIN_MLFLOW = """
import sys
import mlflow, numpy
try:
    import fckd
    sys.exit("fckd can be imported: the test shows nothing")
except ModuleNotFoundError:
    pass
mlflow.set_tracking_uri(sys.argv[1])
model = mlflow.pyfunc.load_model(sys.argv[2])
answers = model.predict(numpy.load("readings.npy"))
numpy.save("answers.npy", answers)
foreign = {"ray", "optuna", "fckd.train", "fckd.sweep", "fckd.data"} & sys.modules.keys()
sys.exit(f"imported as well: {foreign}" if foreign else 0)
"""


class Service:
    """A database with one run, and a registry on it."""

    def __init__(self, folder):
        self.folder = folder
        self.uri = f"sqlite:///{folder / 'mlflow.db'}"
        with quiet():
            from mlflow import MlflowClient

            self.client = MlflowClient(self.uri, self.uri)
            experiment = self.client.create_experiment("tests", str(folder / "artifacts"))
            self.run_id = self.client.create_run(experiment).info.run_id
        self.registry = Registry(self.uri)

    def register(self, student, name, **tags):
        return self.registry.register(student, name, self.run_id, tags)

    def champion(self, name):
        return champion_of(self.client, name)


@pytest.fixture(scope="module")
def service(tmp_path_factory):
    return Service(tmp_path_factory.mktemp("mlflow"))


@pytest.fixture(scope="module")
def student(tmp_path_factory):
    return packed(tmp_path_factory.mktemp("packed") / "student")


@pytest.fixture(scope="module")
def promoted(service, student):
    """The name of a model whose version 1 is `student` and champion."""
    version = service.register(student, "promoted", **{"fckd.sweep": "s1"})
    assert service.registry.promote("promoted", version).promote
    return "promoted"


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_registered_student_is_the_candidate_and_belongs_to_its_run(service, promoted):
    version = service.client.get_model_version_by_alias(promoted, "candidate")
    assert int(version.version) == 1
    assert version.run_id == service.run_id
    assert version.tags["fckd.sweep"] == "s1"


def test_a_registered_student_has_a_page_that_says_what_it_is(service, promoted):
    version = service.client.get_model_version(promoted, "1")
    assert "| recipe | mean | 95 % interval | seeds |" in version.description
    model = service.client.get_registered_model(promoted)
    assert f"fckd pull {promoted}@champion" in model.description


def test_a_student_is_registered_once(service, student, promoted):
    logged = len(list((service.folder / "artifacts" / "models").iterdir()))
    assert service.register(student, promoted) == 1
    assert len(service.client.search_model_versions(f"name = '{promoted}'")) == 1
    assert len(list((service.folder / "artifacts" / "models").iterdir())) == logged


def test_the_same_student_may_have_two_names(service, student, promoted):
    assert service.register(student, "twin") == 1


@pytest.mark.parametrize("form", ["{}", "{}@champion", "{}@candidate", "{}/1"])
def test_a_pulled_student_has_the_same_bytes(service, student, promoted, tmp_path, form):
    pulled = service.registry.pull(form.format(promoted), tmp_path / "out")
    assert content(pulled) == content(student)
    assert [path.name for path in tmp_path.iterdir()] == ["out"]


def test_a_pulled_student_answers_the_same(service, student, promoted, tmp_path):
    pulled = load_student(service.registry.pull(promoted, tmp_path / "out"))
    expected = load_student(student).probabilities(readings())
    np.testing.assert_allclose(pulled.probabilities(readings()), expected, atol=1e-6)


def test_an_empty_folder_is_filled(service, promoted, tmp_path):
    (tmp_path / "out").mkdir()
    assert load_student(service.registry.pull(promoted, tmp_path / "out")).card.name == "demo"


def test_a_folder_with_files_is_left_alone(service, promoted, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UserError, match="holds something already"):
        service.registry.pull(promoted, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_student_tampered_with_in_the_store_is_not_handed_out(service, tmp_path):
    service.register(packed(tmp_path / "student", seed=11), "tampered")
    source = Path(service.client.get_model_version("tampered", "1").source)
    weights = source / "data" / "student" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1] + b"\x01")
    with pytest.raises(UserError, match=r"content of model\.safetensors"):
        service.registry.pull("tampered/1", tmp_path / "out")
    assert [path.name for path in tmp_path.iterdir()] == ["student"]


def test_a_card_swapped_in_the_store_with_new_sums_is_not_handed_out(service, tmp_path):
    service.register(packed(tmp_path / "student", seed=21), "swapped")
    student = Path(service.client.get_model_version("swapped", "1").source) / "data" / "student"
    card = student / "card.json"
    card.write_text(card.read_text().replace("0.9", "0.99"))
    write_sums(student)
    with pytest.raises(UserError, match="is not the student that was registered"):
        service.registry.pull("swapped/1", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_student_signed_under_another_name_is_not_handed_out(service, tmp_path, monkeypatch):
    private, public = key_pair(tmp_path)
    monkeypatch.setenv("FCKD_SIGNING_KEY", str(private))
    service.register(packed(tmp_path / "student", seed=22), "borrowed")
    with pytest.raises(UserError, match="is signed as demo, not as borrowed"):
        Registry(service.uri, public).pull("borrowed/1", tmp_path / "out")
    service.register(tmp_path / "student", "demo")
    assert Registry(service.uri, public).pull("demo/1", tmp_path / "out").is_dir()


def test_what_the_sums_do_not_list_is_left_behind(service, tmp_path):
    service.register(packed(tmp_path / "student", seed=23), "extra")
    source = Path(service.client.get_model_version("extra", "1").source)
    (source / "data" / "student" / "run_me.py").write_text("print()")
    pulled = service.registry.pull("extra/1", tmp_path / "out")
    assert content(pulled) == content(tmp_path / "student")


def test_a_student_whose_files_are_gone_is_reported(service, tmp_path):
    service.register(packed(tmp_path / "student", seed=12), "gone")
    shutil.rmtree(service.client.get_model_version("gone", "1").source)
    with pytest.raises(UserError, match="cannot read the files of gone/1"):
        service.registry.pull("gone/1", tmp_path / "out")


def test_a_damaged_student_is_not_registered(service, student, tmp_path):
    shutil.copytree(student, tmp_path / "student")
    (tmp_path / "student" / "card.json").write_text("{}")
    with pytest.raises(UserError, match=r"content of card\.json"):
        service.register(tmp_path / "student", "damaged")
    assert service.client.search_registered_models("name = 'damaged'") == []


def test_the_gate_moves_and_keeps_the_champion(service, tmp_path):
    registry = service.registry
    weak = service.register(packed(tmp_path / "weak", seed=1, correct=20), "gated")
    assert service.champion("gated") is None
    assert registry.promote("gated", weak).promote
    same = service.register(packed(tmp_path / "same", seed=2, correct=22), "gated")
    assert not registry.promote("gated", same).promote
    assert service.champion("gated") == weak
    strong = service.register(packed(tmp_path / "strong", seed=3, correct=35), "gated")
    assert registry.promote("gated", strong).promote
    assert service.champion("gated") == strong == 3
    assert "already" in registry.promote("gated", strong).reason


@pytest.fixture
def two(service, tmp_path, request):
    """A name with a champion, version 1, and a weaker version 2."""
    name = request.node.name.partition("[")[0]
    for seed, correct in ((31, 30), (32, 20)):
        service.register(packed(tmp_path / str(seed), seed=seed, correct=correct), name)
    service.registry.promote(name, 1)
    return name


def tags(service, name, version):
    return service.client.get_model_version(name, str(version)).tags


def test_the_gate_s_verdict_stays_with_the_version(service, two):
    assert not service.registry.promote(two, 2).promote
    verdict = "promote: the first: there was no champion to beat"
    assert tags(service, two, 1)["fckd.verdict"] == verdict
    assert tags(service, two, 2)["fckd.verdict"].startswith("keep the champion: within noise")
    assert "@" in tags(service, two, 2)["fckd.decided_by"]


def test_force_overrules_the_gate_and_leaves_its_reason(service, two):
    assert not service.registry.promote(two, 2, "the sensor was exchanged").promote
    assert service.champion(two) == 2
    assert tags(service, two, 2)["fckd.forced"] == "the sensor was exchanged"
    assert tags(service, two, 2)["fckd.verdict"].startswith("keep the champion")


def test_a_rollback_brings_the_champion_before_back(service, two):
    service.registry.promote(two, 2, "a mistake")
    assert service.registry.rollback(two) == (2, 1)
    assert service.champion(two) == 1
    assert tags(service, two, 2)["fckd.rolled_back"].startswith("to 1, ")


def test_what_was_rolled_back_returns_by_force_only(service, tmp_path):
    for seed, correct in ((41, 10), (42, 30)):
        made = packed(tmp_path / str(seed), seed=seed, correct=correct)
        assert service.registry.promote("back", service.register(made, "back")).promote
    service.registry.rollback("back")
    verdict = service.registry.promote("back", 2)
    assert (verdict.promote, service.champion("back")) == (False, 1)
    assert verdict.reason.startswith("it was rolled back to 1")
    service.registry.promote("back", 2, "it was right after all")
    assert service.champion("back") == 2


def test_a_first_champion_cannot_be_rolled_back(service, two):
    with pytest.raises(UserError, match="replaced no other"):
        service.registry.rollback(two)


def test_a_rollback_to_a_damaged_student_is_refused(service, two):
    service.registry.promote(two, 2, "for the test")
    source = Path(service.client.get_model_version(two, "1").source)
    (source / "data" / "student" / "card.json").write_text("{}")
    with pytest.raises(UserError, match=r"content of card\.json"):
        service.registry.rollback(two)
    assert service.champion(two) == 2


def exchange(service, name, version):
    """Put a better card, with new sums, where the artefacts lie."""
    source = Path(service.client.get_model_version(name, str(version)).source)
    card = source / "data" / "student" / "card.json"
    card.write_text(card.read_text().replace("0.9", "0.99"))
    write_sums(card.parent)


def test_an_exchanged_candidate_gets_past_the_gate_by_no_force(service, two):
    exchange(service, two, 2)
    with pytest.raises(UserError, match=f"{two}/2 is not the student that was registered"):
        service.registry.promote(two, 2, "for the test")
    assert service.champion(two) == 1


def gives_way_to_force_only(service, name):
    """Force version 2 into the place of the champion; return why it had to be forced."""
    verdict = service.registry.promote(name, 2)
    assert not verdict.promote
    assert tags(service, name, 2)["fckd.verdict"] == f"keep the champion: {verdict.reason}"
    assert service.champion(name) == 1
    service.registry.promote(name, 2, "the old bucket was deleted")
    assert service.champion(name) == 2
    return verdict.reason


def test_a_champion_whose_files_are_lost_gives_way_to_force_only(service, two):
    shutil.rmtree(service.client.get_model_version(two, "1").source)
    assert f"cannot read the files of {two}/1" in gives_way_to_force_only(service, two)


def test_an_exchanged_champion_gives_way_to_force_only(service, two):
    exchange(service, two, 1)
    why = gives_way_to_force_only(service, two)
    assert f"{two}/1 is not the student that was registered" in why


def test_an_unsigned_champion_gives_way_to_force_where_a_key_is_set(service, tmp_path, monkeypatch):
    private, public = key_pair(tmp_path)
    registry = Registry(service.uri, public)
    service.register(packed(tmp_path / "old", seed=53, name="signed"), "signed")
    service.registry.promote("signed", 1)
    monkeypatch.setenv("FCKD_SIGNING_KEY", str(private))
    service.register(packed(tmp_path / "new", seed=54, name="signed"), "signed")
    assert "is not signed" in registry.promote("signed", 2).reason
    registry.promote("signed", 2, "students are signed from now on")
    assert service.champion("signed") == 2


def test_a_rollback_to_an_exchanged_student_is_refused(service, two):
    service.registry.promote(two, 2, "for the test")
    exchange(service, two, 1)
    with pytest.raises(UserError, match=f"{two}/1 is not the student that was registered"):
        service.registry.rollback(two)
    assert service.champion(two) == 2


def test_an_exchanged_student_has_no_lineage(service, two):
    exchange(service, two, 1)
    with pytest.raises(UserError, match=f"{two}/1 is not the student that was registered"):
        service.registry.lineage(two)


def test_a_student_signed_under_another_name_is_no_champion_where_a_key_is_set(
    service, tmp_path, monkeypatch
):
    private, public = key_pair(tmp_path)
    monkeypatch.setenv("FCKD_SIGNING_KEY", str(private))
    service.register(packed(tmp_path / "student", seed=24), "pretender")
    with pytest.raises(UserError, match="is signed as demo, not as pretender"):
        Registry(service.uri, public).promote("pretender", 1)
    assert service.champion("pretender") is None


def test_lineage_leads_from_a_student_to_what_made_it(service, tmp_path):
    made = packed(
        tmp_path / "student",
        seed=33,
        sweep="wrist-12345678",
        trial="wrist-12345678-7",
        teachers={"skeleton": "skeleton-0011223344556677"},
    )
    service.register(made, "traced", **{"fckd.trial_key": "confirmed-1"})
    service.registry.promote("traced", 1)
    rows = dict(service.registry.lineage("traced@champion"))
    assert rows["student"] == "traced/1"
    assert rows["MLflow run"] == service.run_id
    assert rows["sweep"] == "wrist-12345678"
    assert rows["trial"] == "wrist-12345678-7"
    assert rows["run"] == "confirmed-1 (arm distilled, seed 3)"
    assert rows["teacher skeleton"] == "skeleton-0011223344556677"
    assert rows["lessons of skeleton"] == "fedcba9876543210"
    assert rows["corpus"] == "synthetic-0123456789abcdef, cross-subject"
    assert rows["git commit"] == "c" * 40
    assert rows["verdict"] == "promote: the first: there was no champion to beat"


def test_the_page_of_a_run_is_linked_without_who_asks_for_it():
    for address in ("https://token@h/mlflow/", "https://h/mlflow?token=abc"):
        assert run_link(address, "7", "0a") == "https://h/mlflow/#/experiments/7/runs/0a"


def test_nothing_in_the_mlflow_model_is_a_pickle(service, promoted):
    files = [path for path in (service.folder / "artifacts").rglob("*") if path.is_file()]
    assert any(path.name == "model.safetensors" for path in files)
    assert [path for path in files if is_pickle(path)] == []
    assert not any("pickle" in path.read_text() for path in files if path.name == "MLmodel")


def test_only_sources_travel_with_the_mlflow_model(service, promoted):
    code = [path for path in (service.folder / "artifacts").rglob("code/**/*") if path.is_file()]
    assert code
    assert {path.suffix for path in code} == {".py"}


def test_plain_mlflow_loads_the_champion_without_fckd(service, student, promoted, tmp_path):
    np.save(tmp_path / "readings.npy", readings())
    packages = packages_without_fckd(tmp_path / "packages")
    run = subprocess.run(
        # -P: not the working folder; -S: no site-packages, hence no editable install either
        [sys.executable, "-PS", "-c", PLAIN_MLFLOW, service.uri, f"models:/{promoted}@champion"],
        cwd=tmp_path,
        env={
            "PATH": "/usr/bin:/bin",
            "PYTHONPATH": str(packages),
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "OMP_NUM_THREADS": "1",
        },
        capture_output=True,
        text=True,
    )
    assert run.returncode == 0, run.stderr
    expected = load_student(student).probabilities(readings())
    found = np.load(tmp_path / "answers.npy")
    assert found.shape == (3, len(CLASSES))
    np.testing.assert_allclose(found, expected, atol=1e-6)


def test_the_signature_says_what_goes_in_and_out(service, promoted):
    from mlflow.models import Model

    signature = Model.load(next((service.folder / "artifacts").rglob("MLmodel"))).signature
    assert signature.inputs.inputs[0].shape == (-1, 6, 12)
    assert signature.outputs.inputs[0].shape == (-1, len(CLASSES))


def test_registering_and_pulling_are_silent_and_leave_nothing_behind(
    service, promoted, tmp_path, monkeypatch, capfd
):
    monkeypatch.chdir(tmp_path)
    service.register(packed(tmp_path / "student", seed=21), "silent")
    service.registry.promote("silent", 1)
    service.registry.pull("silent@champion", tmp_path / "out")
    assert capfd.readouterr() == ("", "")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "student"]


def test_logging_is_as_before_afterwards(service, promoted):
    logger = logging.getLogger("mlflow")
    before = logger.level
    service.registry.lineage(promoted)
    assert logger.level == before


def test_an_unknown_name_lists_those_there_are(service, promoted, tmp_path):
    with pytest.raises(UserError, match="'nobody'") as refusal:
        service.registry.pull("nobody", tmp_path / "out")
    assert promoted in refusal.value.expected


def test_an_unknown_alias_lists_those_there_are(service, promoted, tmp_path):
    with pytest.raises(UserError, match="has no staging") as refusal:
        service.registry.pull(f"{promoted}@staging", tmp_path / "out")
    assert f"{promoted}@champion" in refusal.value.expected


def test_an_unknown_version_lists_those_there_are(service, promoted, tmp_path):
    with pytest.raises(UserError, match="has no version 9") as refusal:
        service.registry.pull(f"{promoted}/9", tmp_path / "out")
    assert "1" in refusal.value.expected


def test_a_version_that_is_none_is_not_promoted(service, promoted):
    with pytest.raises(UserError, match="has no version 9"):
        service.registry.promote(promoted, 9)


def test_nobody_is_champion_of_an_unknown_name(service):
    assert service.champion("nobody") is None


@pytest.mark.parametrize("name", ["a/b/c", "a@", "", "a b", "a@b@c", "a/0", "models:/a/1"])
def test_a_bad_reference_is_refused(service, tmp_path, name):
    with pytest.raises(UserError, match="the reference"):
        service.registry.pull(name, tmp_path / "out")


def test_an_unknown_run_is_refused(service, tmp_path):
    with pytest.raises(UserError, match="refuses"):
        service.registry.register(packed(tmp_path / "s", seed=31), "runless", "0" * 32, {})


def test_an_absent_database_is_not_created(tmp_path):
    with pytest.raises(UserError, match="no such database"):
        Registry(f"sqlite:///{tmp_path / 'absent.db'}")
    assert list(tmp_path.iterdir()) == []


def test_a_server_that_does_not_answer_is_refused_at_once():
    with pytest.raises(UserError, match="cannot reach http://127") as refusal:
        Registry(f"http://someone:secret@127.0.0.1:{free_port()}")
    assert "secret" not in str(refusal.value)


@pytest.mark.parametrize(
    "address",
    [
        "postgresql://127.0.0.1:1/db?user=me&password=secret",
        "postgresql://127.0.0.1:1/db?password=my@secret",
        "postgresql://me:secret@127.0.0.1:1/db?password=secret",
        "databricks://me:my?secret@host",
        "databricks:/host?password=secret",
    ],
)
def test_a_refused_address_is_shown_without_its_password_wherever_it_is(address):
    with pytest.raises(UserError) as refusal:
        Registry(address)
    assert "secret" not in str(refusal.value)
    assert "my" not in str(refusal.value)


def test_a_refused_address_is_shown_with_host_and_database():
    with pytest.raises(UserError, match=r"cannot reach postgresql://127\.0\.0\.1:1/db: "):
        Registry("postgresql://me:secret@127.0.0.1:1/db?sslmode=require")


@pytest.mark.parametrize(
    "address",
    [
        "mlruns",
        "file:///tmp/mlruns",
        "databricks",
        "http://",
        "mssql://127.0.0.1/db",
        "http://HOST:PORT",
        "http://127.0.0.1:99999",
        "http://[::1",
    ],
)
def test_other_addresses_are_refused(address):
    with pytest.raises(UserError, match="the tracking address"):
        Registry(address)


def packages_without_fckd(folder):
    """Make a folder of links to every installed package but fckd."""
    folder.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if "fckd" not in entry.name and entry.suffix != ".pth":
            (folder / entry.name).symlink_to(entry)
    return folder


def is_pickle(path):
    """Whether the file, or one in it if it is a zip archive, is a pickle by name or content."""
    if path.suffix in {".pkl", ".pickle", ".pth", ".pt", ".bin"} or zipfile.is_zipfile(path):
        return True
    data = path.read_bytes()
    if data[:1] != b"\x80":  # every pickle of protocol 2 and later starts so
        return False
    try:
        list(pickletools.genops(io.BytesIO(data)))
    except ValueError:
        return False
    return True
