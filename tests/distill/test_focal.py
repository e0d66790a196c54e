"""The focal channels: how many, which, and how much each counts."""

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.testing import assert_close

from fckd.config.experiment import FocalSettings
from fckd.distill.focal import (
    descending,
    emphasis,
    focal_count,
    gather_channels,
    scatter_channels,
)
from tests.distill.maps import normal, permuted

RATIOS = st.floats(0, 1, exclude_min=True)


def count(ratio, channels, criterion="magnitude"):
    return focal_count(FocalSettings(ratio=ratio, criterion=criterion), channels)


@pytest.mark.parametrize(
    ("ratio", "channels", "expected"),
    [
        (1.0, 64, 64),
        (0.5, 64, 32),
        (0.25, 10, 2),
        (0.26, 10, 3),
        (0.1, 4, 1),
        (0.001, 64, 1),
        (1.0, 1, 1),
        (0.999, 64, 64),
    ],
)
def test_the_focal_count_is_rounded_and_at_least_one(ratio, channels, expected):
    assert count(ratio, channels) == expected


@given(RATIOS, st.integers(1, 2048))
def test_the_focal_count_lies_between_one_and_all(ratio, channels):
    assert 1 <= count(ratio, channels) <= channels


@given(RATIOS, RATIOS, st.integers(1, 99))
def test_a_larger_ratio_never_has_fewer_focal_channels(one, other, channels):
    small, large = sorted((one, other))
    assert count(small, channels) <= count(large, channels)


@given(RATIOS)
def test_the_control_of_all_channels_has_no_ratio(ratio):
    assert count(ratio, 64, "all") == 64


def test_channels_come_in_descending_saliency():
    order = descending(torch.tensor([[0.1, 0.9, 0.5], [3.0, 2.0, 1.0]]))
    assert order.tolist() == [[1, 2, 0], [0, 1, 2]]


@given(st.lists(st.sampled_from([0.0, 1.0, 2.0]), min_size=1, max_size=40))
def test_tied_channels_keep_their_order(values):
    order = descending(torch.tensor([values])).tolist()[0]
    assert order == sorted(range(len(values)), key=lambda c: (-values[c], c))


@pytest.mark.parametrize("grid", [(), (4,), (4, 3), (2, 3, 4)])
def test_gathering_takes_each_samples_own_channels_on_any_grid(grid):
    features = normal(2, 5, *grid)
    gathered = gather_channels(features, torch.tensor([[4, 0], [1, 1]]))
    assert gathered.equal(torch.stack([features[0, [4, 0]], features[1, [1, 1]]]))


def test_gathering_hands_the_gradient_to_the_chosen_channels_only():
    features = normal(1, 3, 2).requires_grad_()
    gather_channels(features, torch.tensor([[2, 0]])).sum().backward()
    assert features.grad[0].tolist() == [[1, 1], [0, 0], [1, 1]]


@pytest.mark.parametrize("grid", [(), (4,), (2, 3, 4)])
def test_scattering_undoes_gathering(grid):
    features = normal(2, 5, *grid)
    order = torch.stack([permuted(5, seed=1), permuted(5, seed=2)])
    assert scatter_channels(gather_channels(features, order), order).equal(features)


SALIENCY = normal(3, 5).abs()
MEAN = SALIENCY.mean(dim=1)


@pytest.mark.parametrize("temperature", [0.1, 0.5, 10.0])
def test_emphasis_has_mean_1_and_the_order_of_the_saliency(temperature):
    weights = emphasis(SALIENCY, MEAN, temperature)
    assert_close(weights.mean(dim=1), torch.ones(3))
    assert descending(weights).equal(descending(SALIENCY))


def test_with_a_growing_temperature_the_soft_selection_becomes_the_hard_one():
    assert_close(emphasis(SALIENCY, MEAN, 1e6), torch.ones(3, 5))


def test_with_a_falling_temperature_the_most_salient_channel_alone_counts():
    weights = emphasis(SALIENCY, MEAN, 1e-3)
    assert_close(weights.max(dim=1).values, torch.full((3,), 5.0))


def test_emphasis_has_no_unit():
    assert_close(emphasis(100 * SALIENCY, 100 * MEAN, 0.5), emphasis(SALIENCY, MEAN, 0.5))


def test_a_known_emphasis():
    # (4 - 2) / (2 · 0.5) = 2 apart: softmax e²/(1 + e²), twice.
    wanted = 2 * torch.tensor([[2.0, 0.0]]).softmax(dim=1)
    assert_close(emphasis(torch.tensor([[4.0, 2.0]]), torch.tensor([2.0]), 0.5), wanted)


def test_where_a_teacher_is_silent_all_its_channels_count_alike():
    assert emphasis(torch.zeros(1, 4), torch.zeros(1), 0.5).tolist() == [[1, 1, 1, 1]]
