"""One thread a test, the same random numbers in each run, and no deadlines on a busy machine."""

import os

from tests.surroundings import make_the_same_everywhere

make_the_same_everywhere(os.environ)  # before anything that looks at it while it is imported

import pytest  # noqa: E402
import torch  # noqa: E402
from hypothesis import settings  # noqa: E402

torch.set_num_threads(1)

settings.register_profile("fckd", deadline=None, derandomize=True, max_examples=20)
settings.load_profile("fckd")


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)
