"""The ONNX file of a student answers as its safetensors do, or it is not written."""

import itertools
import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from fckd.config.networks import NetworkSettings
from fckd.errors import UserError
from fckd.models.network import PooledNetwork
from fckd.models.table import build_network
from fckd.registry.folder import ONNX, read_student
from fckd.registry.onnx_export import LIMIT, export_onnx
from fckd.registry.packing import pack_student
from fckd.registry.student import Engine, load_student
from fckd.registry.sums import write_sums
from tests.models.toys import EACH, Toy
from tests.registry.students import CLASSES, SHAPE, card, packed, readings

QUICK = {"temporal", "video"}
"""The others take up to ten seconds each."""

WITHOUT_TORCH = """
import sys
import numpy
sys.modules["torch"] = None
from pathlib import Path
from fckd.registry.student import Engine, load_student
student = load_student(Path(sys.argv[1]), engine=Engine.ONNX)
numpy.save(sys.argv[3], student.probabilities(numpy.load(sys.argv[2])))
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return packed(tmp_path_factory.mktemp("packed") / "student", onnx=True)


toys = [
    pytest.param(toy, marks=() if toy.network in QUICK else pytest.mark.long, id=str(toy))
    for toy in EACH
]


@pytest.mark.parametrize("toy", toys)
def test_every_network_is_exported_and_answers_the_same(toy):
    assert_exported(toy.build().eval(), toy.shape)


@pytest.mark.parametrize(
    "changes",
    [
        {"hallucination": True},
        pytest.param({"excitation": True}, marks=pytest.mark.long),
        pytest.param({"normalization": "group"}, marks=pytest.mark.long),
    ],
    ids=str,
)
def test_every_kind_of_student_is_exported(changes):
    toy = Toy("temporal", "inertial")
    assert_exported(toy.build(**changes).eval(), toy.shape)


def assert_exported(network, shape):
    _, checked = export_onnx(network, shape)
    assert checked.max_difference < 1e-5
    assert checked.compared >= 8


def test_the_card_keeps_what_the_check_found(folder):
    known, content = read_student(folder)
    assert ONNX in content
    assert known.onnx.max_difference < 1e-5
    assert f"{known.onnx.max_difference:.1g}" in content["README.md"].decode()


def test_both_engines_give_the_same_probabilities(folder):
    torch_says = load_student(folder, engine=Engine.TORCH).probabilities(readings(70))
    onnx_says = load_student(folder, engine=Engine.ONNX).probabilities(readings(70))
    assert onnx_says.dtype == np.float32
    np.testing.assert_allclose(onnx_says, torch_says, atol=1e-5)


def test_onnx_needs_no_torch(folder, tmp_path):
    np.save(tmp_path / "readings.npy", readings(5))
    files = (tmp_path / "readings.npy", tmp_path / "answers.npy")
    subprocess.run([sys.executable, "-c", WITHOUT_TORCH, folder, *files], check=True)
    expected = load_student(folder, engine=Engine.TORCH).probabilities(readings(5))
    np.testing.assert_allclose(np.load(files[1]), expected, atol=1e-5)


def test_packing_twice_gives_the_same_bytes(folder, tmp_path):
    again = packed(tmp_path / "again", onnx=True)
    assert (again / ONNX).read_bytes() == (folder / ONNX).read_bytes()


def test_no_path_of_the_machine_is_in_the_file(folder):
    assert b".py" not in (folder / ONNX).read_bytes()


class Moody(PooledNetwork):
    """Answers otherwise each time that it is asked."""

    def __init__(self):
        super().__init__(nn.Conv1d(6, 4, 1), 4, 3, dropout=0.0)
        self.moods = itertools.count()

    def forward(self, x):
        output = super().forward(x)
        return output._replace(logits=output.logits * next(self.moods))


def test_a_graph_that_answers_otherwise_is_refused():
    with pytest.raises(UserError, match=f"within {LIMIT:g}"):
        export_onnx(Moody().eval(), (6, 12))


def test_what_is_refused_is_not_packed(tmp_path, monkeypatch):
    monkeypatch.setattr("fckd.registry.onnx_export.LIMIT", -1.0)
    known, content = read_student(packed(tmp_path / "student", onnx=True))
    assert ONNX not in content
    assert known.onnx is None
    assert "answers otherwise than in torch" in known.without_onnx
    assert known.without_onnx in content["README.md"].decode()


class Untraceable(PooledNetwork):
    """Decides by values, which no graph can."""

    def forward(self, x):
        return super().forward(x if x.sum().item() > 0 else -x)


def test_a_network_that_cannot_be_traced_is_refused_with_the_reason():
    network = Untraceable(nn.Conv1d(6, 4, 1), 4, 3, dropout=0.0).eval()
    with pytest.raises(UserError, match=r"cannot export the network to ONNX: .+"):
        export_onnx(network, (6, 12))


def test_packing_goes_without_onnx_where_its_packages_are_absent(tmp_path, monkeypatch):
    monkeypatch.setattr("fckd.registry.packing.EXPORTERS", ("onnx", "no_such_package"))
    known, content = read_student(packed(tmp_path / "student", onnx=True))
    assert ONNX not in content
    told = "no_such_package not installed; in fckd's checkout: pip install '.[onnx]'"
    assert known.without_onnx == told


def test_a_student_without_onnx_says_what_to_do(tmp_path):
    with pytest.raises(UserError, match=r"holds no model\.onnx"):
        load_student(packed(tmp_path / "student"), engine=Engine.ONNX)


def test_bytes_that_are_no_graph_are_refused(tmp_path):
    folder = packed(tmp_path / "student")
    (folder / ONNX).write_bytes(b"\x80\x04pickle")
    write_sums(folder)
    with pytest.raises(UserError, match="is not an ONNX file"):
        load_student(folder, engine=Engine.ONNX)


def test_the_graph_of_another_network_is_refused(tmp_path):
    copy = packed(tmp_path / "student")
    graph, _ = export_onnx(Toy("temporal", "inertial").build().eval(), SHAPE)
    (copy / ONNX).write_bytes(graph)
    write_sums(copy)
    with pytest.raises(UserError, match="as the card says"):
        load_student(copy, engine=Engine.ONNX)


def test_onnx_runs_no_code_of_a_plug_in(tmp_path):
    network = NetworkSettings(
        modality="inertial", network="tests.registry.plug_ins:pooled", frames=12
    )
    torch.manual_seed(0)
    state = build_network(network, SHAPE, len(CLASSES)).state_dict()
    pack_student(tmp_path / "student", state, card(network=network), onnx=True)
    student = load_student(tmp_path / "student", engine=Engine.ONNX)
    assert student.probabilities(readings()).shape == (3, 6)
