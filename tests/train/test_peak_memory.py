"""The peak of memory that a block of torch code holds."""

import torch

from fckd.train.peak_memory import peak_of

CPU = torch.device("cpu")
MEBI = 2**20


def zeros(mebibytes):
    return torch.zeros(mebibytes * MEBI, dtype=torch.uint8)


def test_what_was_given_back_counts_no_longer():
    with peak_of(CPU) as peak:
        zeros(4)
        zeros(2)
    assert peak.bytes == 4 * MEBI


def test_what_lives_at_the_same_time_adds_up():
    with peak_of(CPU) as peak:
        kept = [zeros(4), zeros(2)]
    assert len(kept) == 2
    assert peak.bytes == 6 * MEBI


def test_views_of_one_memory_count_once():
    with peak_of(CPU) as peak:
        kept = zeros(4).view(2, -1)[0]
    assert len(kept) == 2 * MEBI
    assert peak.bytes == 4 * MEBI


def test_what_a_backward_pass_needs_is_counted_until_it_is_done():
    given = zeros(1).float().requires_grad_()
    with peak_of(CPU) as forgotten, torch.no_grad():
        given.exp().exp().exp().sum()
    with peak_of(CPU) as remembered:
        given.exp().exp().exp().sum().backward()
    # Each exponential keeps its own result.
    assert remembered.bytes >= forgotten.bytes + 4 * MEBI
