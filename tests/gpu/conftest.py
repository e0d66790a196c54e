import pytest
import torch

from fckd.train.workshop import Workshop
from tests.train.conftest import corpus  # noqa: F401  (a fixture)
from tests.train.small import BASE, make

HERE = "tests/gpu/"


def pytest_collection_modifyitems(items):
    for item in items:
        if HERE in item.nodeid:
            item.add_marker(pytest.mark.gpu)
            if not torch.cuda.is_available():
                item.add_marker(pytest.mark.skip(reason="no GPU here"))


@pytest.fixture(scope="session")
def gpu():
    return torch.device("cuda")


@pytest.fixture(scope="session")
def workshop(tmp_path_factory, corpus, gpu):  # noqa: F811
    """A workshop on the GPU, with teachers and lessons for the search."""
    opened = Workshop(tmp_path_factory.mktemp("storage"), corpus.folder, gpu)
    make(opened, BASE)
    return opened


@pytest.fixture(autouse=True)
def _exact():
    """Leave out what makes convolutions of a GPU coarser, or different from run to run."""
    flags = {"enabled": True, "deterministic": True, "allow_tf32": False}
    with torch.backends.cudnn.flags(**flags):
        yield
