"""A student that is trained through `torch.compile` learns what it would have learnt without."""

import shutil

import pytest
import torch
from torch._dynamo.utils import counters
from torch.testing import assert_close

from fckd.config.experiment import identity
from fckd.errors import TrainingError
from fckd.models.network import PooledNetwork
from fckd.train import compiling
from fckd.train.compiling import compiled
from fckd.train.loop import distill
from tests.train.small import changed, make, state, told

CPU = torch.device("cpu")


@pytest.fixture
def compiler():
    if not (shutil.which("g++") and compiling.python_headers().exists()):
        pytest.skip("no g++, or no Python.h")


def test_it_learns_the_same(workshop, compiler):
    (plain, none), (other, once) = (_trained(workshop, compile=each) for each in (False, True))
    assert none == 0
    assert once > 0
    for mine, theirs in zip(plain, other, strict=True):
        assert_close(_losses(mine), _losses(theirs), rtol=1e-3, atol=1e-4)
    assert_close(state(plain[-1].network), state(other[-1].network), rtol=5e-3, atol=5e-3)


def test_however_many_kinds_of_students_one_process_trains_all_are_compiled(compiler):
    """Torch stops after a number of variants of one code, of which every student of ours is one."""
    with torch._dynamo.config.patch(recompile_limit=1):
        for width in (4, 8):
            counters.clear()
            student = PooledNetwork(torch.nn.Conv1d(2, width, 3), width, 3, 0.0)
            compiled(student, CPU)(torch.randn(2, 2, 8))
            assert counters["stats"]["unique_graphs"] > 0


def test_without_a_compiler_it_is_told_so(workshop, monkeypatch, tmp_path):
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TrainingError, match=r"g\+\+ is missing .* training\.compile to false"):
        _trained(workshop, compile=True)


def test_a_compiler_that_fails_is_told_so(workshop, compiler, monkeypatch):
    monkeypatch.setenv("CXX", "/bin/false")
    elsewhere = {"cpp.cxx": ("/bin/false",), "force_disable_caches": True}
    refused = pytest.raises(
        TrainingError, match=r"training\.compile: .* training\.compile to false"
    )
    with torch._inductor.config.patch(elsewhere), refused:
        _trained(workshop, compile=True)


def test_how_steps_are_run_is_no_part_of_what_a_training_is():
    assert identity(changed(compile=True)) == identity(changed(compile=False))


def _trained(workshop, **training):
    """Return the epochs, and how many graphs were compiled on the way."""
    counters.clear()
    experiment = changed(**training)
    make(workshop, experiment)
    epochs = list(distill(workshop.study(experiment, "train")))
    return epochs, counters["stats"]["unique_graphs"]


def _losses(result):
    return {name: value for name, value in told(result).items() if name.startswith("train/")}
