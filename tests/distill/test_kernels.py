"""GPU kernels of our own are used only where Triton can launch them."""

import sys
import sysconfig

import pytest

from fckd.distill import kernels


@pytest.fixture(autouse=True)
def fresh():
    kernels.lacking.cache_clear()
    yield
    kernels.lacking.cache_clear()


@pytest.fixture
def triton(tmp_path, monkeypatch):
    """An importable package of that name: of the real one, only whether it is there is asked."""
    (tmp_path / "triton.py").touch()
    monkeypatch.syspath_prepend(tmp_path)


def test_without_triton_losses_are_not_fused(monkeypatch):
    monkeypatch.delitem(sys.modules, "triton", raising=False)
    monkeypatch.setattr("sys.path", [])
    assert kernels.lacking() == "Triton"


def test_without_a_c_compiler_losses_are_not_fused(triton, monkeypatch, tmp_path):
    """Images with a small Python have none, and the first step would end in Triton's error."""
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert kernels.lacking() == "a C compiler"


def test_without_pythons_headers_losses_are_not_fused(triton, monkeypatch, tmp_path):
    monkeypatch.setenv("CC", "cc")
    monkeypatch.setattr(sysconfig, "get_path", lambda *_: str(tmp_path))
    assert kernels.lacking() == "Python.h"


def test_with_all_of_them_losses_are_fused(triton, monkeypatch):
    monkeypatch.setenv("CC", "cc")
    if not kernels.python_headers().exists():
        pytest.skip("this Python has no headers")
    assert kernels.lacking() == ""
