"""The embedding of student channels into a teacher's."""

import pytest
import torch
from torch.testing import assert_close

from fckd.distill.embedding import Embedding
from tests.distill.maps import normal

each_normalization = pytest.mark.parametrize("normalization", ["batch", "group"])


@each_normalization
@pytest.mark.parametrize("grid", [(6,), (4, 20), (4, 3, 2)])
def test_it_has_the_teachers_channels_on_the_students_grid(normalization, grid):
    embedded = Embedding(3, 10, normalization)(normal(2, 3, *grid))
    assert embedded.shape == (2, 10, *grid)
    assert embedded.min() >= 0


@each_normalization
def test_no_position_sees_another_but_through_the_normalisation(normalization):
    embedding = Embedding(3, 8, normalization).eval()
    features = normal(2, 3, 4, 5, 6)
    order = torch.randperm(6)
    assert_close(embedding(features[..., order]), embedding(features)[..., order])


def test_with_group_normalisation_a_sample_does_not_see_its_batch():
    embedding, features = Embedding(3, 8, "group"), normal(4, 3, 5)
    assert_close(embedding(features)[:1], embedding(features[:1]))


def test_with_batch_normalisation_it_does():
    embedding, features = Embedding(3, 8, "batch"), normal(4, 3, 5)
    assert not torch.allclose(embedding(features)[:1], embedding(features[:1]), atol=1e-3)


@pytest.mark.parametrize("channels", [1, 7, 12, 64, 97])
def test_group_normalisation_fits_any_number_of_channels(channels):
    assert Embedding(3, channels, "group")(normal(2, 3, 5)).shape == (2, channels, 5)


def test_it_has_no_bias_before_its_normalisation():
    assert Embedding(3, 8).projection.bias is None
