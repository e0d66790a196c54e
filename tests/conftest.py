"""One thread a test, the same random numbers in each run, and no deadlines on a busy machine."""

import pytest
import torch
from hypothesis import settings

torch.set_num_threads(1)

settings.register_profile("fckd", deadline=None, derandomize=True, max_examples=20)
settings.load_profile("fckd")


@pytest.fixture(autouse=True)
def _seeded():
    torch.manual_seed(0)
