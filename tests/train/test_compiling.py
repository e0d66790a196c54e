"""A student that is trained through `torch.compile` learns what it would have learnt without."""

import shutil

import pytest
from torch.testing import assert_close

from fckd.config.experiment import identity
from fckd.errors import TrainingError
from fckd.train.loop import distill
from tests.train.small import changed, make, state, told


def test_it_learns_the_same(workshop):
    if not shutil.which("g++"):
        pytest.skip("no g++")
    plain, compiled = (_trained(workshop, compile=each) for each in (False, True))
    for one, other in zip(plain, compiled, strict=True):
        assert_close(_losses(one), _losses(other), rtol=1e-3, atol=1e-4)
    assert_close(state(plain[-1].network), state(compiled[-1].network), rtol=5e-3, atol=5e-3)


def test_without_a_compiler_it_is_told_so(workshop, monkeypatch, tmp_path):
    monkeypatch.delenv("CXX", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(TrainingError, match=r"install g\+\+, or set training\.compile to false"):
        _trained(workshop, compile=True)


def test_how_steps_are_run_is_no_part_of_what_a_training_is():
    assert identity(changed(compile=True)) == identity(changed(compile=False))


def _trained(workshop, **training):
    experiment = changed(**training)
    make(workshop, experiment)
    return list(distill(workshop.study(experiment, "train")))


def _losses(result):
    return {name: value for name, value in told(result).items() if name.startswith("train/")}
