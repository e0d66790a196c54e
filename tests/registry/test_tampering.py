"""What an attacker may put into a student: each is refused with what to do, and not run."""

import json
import pickle
import shutil
import tarfile
import zipfile

import numpy as np
import pytest

from fckd.registry.folder import ONNX, WEIGHTS
from fckd.registry.sums import SIGNATURE, SUMS, write_sums
from tests.cli.command import fckd
from tests.registry.keys import key_pair
from tests.registry.students import packed


class Malice:
    """Leaves a trace where it is unpickled."""

    def __init__(self, trace):
        self.trace = str(trace)

    def __reduce__(self):
        return (open, (self.trace, "w"))


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch):
    for name in ("FCKD_SIGNING_KEY", "FCKD_PUBLIC_KEY", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def folder(tmp_path):
    return packed(tmp_path / "student")


@pytest.fixture
def recording(tmp_path):
    np.save(tmp_path / "recording.npy", np.zeros((30, 6), np.float32))
    return tmp_path / "recording.npy"


@pytest.fixture
def refused(tmp_path, recording):
    """Return a function: both verbs must refuse a folder; it returns what predict says."""

    def both(folder, *words):
        pulled = three_parts(fckd("pull", folder, "--out", tmp_path / "out", *words))
        assert not (tmp_path / "out").exists()
        return three_parts(fckd("predict", folder, recording, *words)) + pulled

    return both


def three_parts(ran):
    assert ran.code == 2, ran.out
    assert "Traceback" not in ran.err
    assert ran.err.startswith("error: ")
    assert ran.err.count("\n  expected: ") == ran.err.count("\n  to do:    ") == 1
    return ran.err


def predicted(folder, recording, *words):
    return three_parts(fckd("predict", folder, recording, *words))


@pytest.mark.parametrize("engine", ["torch", "onnx"])
def test_a_malicious_pickle_is_not_executed(folder, recording, tmp_path, engine):
    trace = tmp_path / "trace"
    for name in (WEIGHTS, ONNX):
        (folder / name).write_bytes(pickle.dumps(Malice(trace)))
    write_sums(folder)
    predicted(folder, recording, "--engine", engine)
    assert not trace.exists()


def test_the_malicious_pickle_would_have_left_a_trace(tmp_path):
    pickle.loads(pickle.dumps(Malice(tmp_path / "trace"))).close()
    assert (tmp_path / "trace").exists()


def test_a_pickled_recording_is_not_executed(folder, tmp_path):
    trace = tmp_path / "trace"
    np.save(tmp_path / "evil.npy", np.array([Malice(trace)], dtype=object), allow_pickle=True)
    predicted(folder, tmp_path / "evil.npy")
    assert not trace.exists()


def test_tampered_weights_are_refused(folder, refused):
    content = bytearray((folder / WEIGHTS).read_bytes())
    content[-1] ^= 1
    (folder / WEIGHTS).write_bytes(content)
    assert f"the content of {WEIGHTS} is not what {SUMS} says" in refused(folder)


def test_a_swapped_card_is_refused(folder, tmp_path, refused):
    other = packed(tmp_path / "other", arm="better")
    shutil.copyfile(other / "card.json", folder / "card.json")
    assert "the content of card.json" in refused(folder)


def test_a_card_that_was_made_better_with_new_sums_is_refused_where_a_key_is_set(
    tmp_path, refused, monkeypatch
):
    private, public = key_pair(tmp_path)
    monkeypatch.setenv("FCKD_SIGNING_KEY", str(private))
    folder = packed(tmp_path / "signed")
    document = json.loads((folder / "card.json").read_text())
    document["metrics"]["distilled"]["mean"] = 0.99
    (folder / "card.json").write_text(json.dumps(document))
    write_sums(folder)
    assert "is not this key's for these files" in refused(folder, "--public-key", public)


def test_a_replayed_signature_is_refused(tmp_path, refused, monkeypatch):
    private, public = key_pair(tmp_path)
    monkeypatch.setenv("FCKD_SIGNING_KEY", str(private))
    old = packed(tmp_path / "old", seed=1)
    monkeypatch.delenv("FCKD_SIGNING_KEY")
    new = packed(tmp_path / "new", seed=2)
    shutil.copyfile(old / SIGNATURE, new / SIGNATURE)
    assert "is not this key's for these files" in refused(new, "--public-key", public)


def test_an_unsigned_student_is_refused_where_a_key_is_set(folder, tmp_path, refused):
    _, public = key_pair(tmp_path)
    assert "is not signed" in refused(folder, "--public-key", public)


@pytest.mark.parametrize("name", ["../secret", "/etc/hostname", "a/../../secret", "..\\secret"])
def test_a_path_in_the_sums_leads_nowhere(folder, tmp_path, refused, name):
    (tmp_path / "secret").write_text("secret")
    with (folder / SUMS).open("a") as sums:
        sums.write(f"{'0' * 64}  {name}\n")
    assert "is not a plain file of the folder" in refused(folder)


@pytest.mark.parametrize("name", [SUMS, SIGNATURE, WEIGHTS])
def test_a_link_is_not_followed(folder, tmp_path, recording, name):
    (folder / name).unlink(missing_ok=True)
    (tmp_path / "elsewhere").write_bytes(b"root:x:0:0")
    (folder / name).symlink_to(tmp_path / "elsewhere")
    said = predicted(folder, recording)
    assert "root:x" not in said


@pytest.mark.parametrize("field", ["frames", "width"])
def test_a_card_that_asks_for_the_impossible_is_refused(folder, recording, field):
    document = json.loads((folder / "card.json").read_text())
    document["network"][field] = 10**9
    (folder / "card.json").write_text(json.dumps(document))
    write_sums(folder)
    predicted(folder, recording)


def test_a_network_of_the_card_runs_no_code_unasked(folder, recording):
    document = json.loads((folder / "card.json").read_text())
    document["network"]["network"] = "os:getcwd"
    (folder / "card.json").write_text(json.dumps(document))
    write_sums(folder)
    assert "--trust-plug-in" in predicted(folder, recording)


@pytest.mark.parametrize("kind", ["zip", "tar"])
def test_an_archive_is_no_student_and_is_not_unpacked(tmp_path, recording, kind):
    archive = tmp_path / "inner" / f"student.{kind}"
    archive.parent.mkdir()
    (tmp_path / "payload").write_text("x")
    if kind == "zip":
        with zipfile.ZipFile(archive, "w") as made:
            made.write(tmp_path / "payload", "../../escaped")
    else:
        with tarfile.open(archive, "w") as made:
            made.add(tmp_path / "payload", "../../escaped")
    predicted(archive, recording)
    three_parts(fckd("pull", archive, "--out", tmp_path / "out"))
    assert not (tmp_path / "escaped").exists()
    assert not (tmp_path.parent / "escaped").exists()


def test_a_graph_that_names_other_files_is_refused(folder, recording, tmp_path):
    from onnx import TensorProto, helper

    (tmp_path / "secret").write_bytes(b"\0" * 16)
    outside = TensorProto(name="w", data_type=1, dims=[4], data_location=TensorProto.EXTERNAL)
    for key, value in (("location", "../secret"), ("length", "16")):
        entry = outside.external_data.add()
        entry.key, entry.value = key, value
    values = [helper.make_tensor_value_info(name, 1, [4]) for name in ("readings", "probabilities")]
    node = helper.make_node("Add", ["readings", "w"], ["probabilities"])
    graph = helper.make_graph([node], "graph", values[:1], values[1:], [outside])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)])
    model.ir_version = 10
    (folder / ONNX).write_bytes(model.SerializeToString())
    write_sums(folder)
    assert "is not an ONNX file that onnxruntime runs" in predicted(
        folder, recording, "--engine", "onnx"
    )
