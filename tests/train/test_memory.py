"""What says that memory did not suffice, and what is tried then."""

import numpy as np
import pytest
import torch

from fckd.train.memory import is_out_of_memory
from fckd.train.task import Task, smaller_parts

MORE_THAN_THERE_IS = 2**55


def sized(batch_size, micro_batch=None):
    training = {"batch_size": batch_size, "micro_batch": micro_batch, "epochs": 3}
    return Task("key", {"training": training, "name": "it"}, "train", "/runs/key")


@pytest.mark.parametrize(
    "allocate",
    [
        lambda: torch.empty(MORE_THAN_THERE_IS, dtype=torch.uint8),
        lambda: np.empty(MORE_THAN_THERE_IS, np.uint8),
        lambda: bytearray(MORE_THAN_THERE_IS),
    ],
    ids=["torch", "numpy", "python"],
)
def test_an_allocator_that_refuses_is_recognised(allocate):
    with pytest.raises((RuntimeError, MemoryError)) as refusal:
        allocate()
    assert is_out_of_memory(refusal.value)


def test_a_full_gpu_is_recognised():
    assert is_out_of_memory(torch.OutOfMemoryError("CUDA out of memory."))


@pytest.mark.parametrize("error", [RuntimeError("mat1 and mat2 do not fit"), ValueError("can't")])
def test_other_errors_are_not(error):
    assert not is_out_of_memory(error)


@pytest.mark.parametrize(
    ("batch_size", "micro_batch", "workers", "next_one"),
    [
        (32, None, 1, 16),
        (32, None, 2, 8),
        (9, None, 1, 5),
        (32, 5, 1, 3),
        (32, 2, 1, 1),
        (32, 64, 1, 16),
        (32, 20, 2, 8),
    ],
)
def test_half_as_many_samples_are_in_memory_and_the_batch_is_the_same(
    batch_size, micro_batch, workers, next_one
):
    task = sized(batch_size, micro_batch)
    smaller = smaller_parts(task, workers)
    assert smaller.experiment["training"] == {
        "batch_size": batch_size,
        "micro_batch": next_one,
        "epochs": 3,
    }
    assert (smaller.key, smaller.folder, smaller.experiment["name"]) == ("key", "/runs/key", "it")
    assert task.experiment["training"]["micro_batch"] == micro_batch


@pytest.mark.parametrize(("size", "micro_batch", "workers"), [(32, 1, 1), (4, None, 4), (4, 2, 4)])
def test_a_single_sample_cannot_be_divided(size, micro_batch, workers):
    assert smaller_parts(sized(size, micro_batch), workers) is None
