"""What is particular to networks over joints: the graph, and the heatmaps."""

import pytest
import torch

from fckd.config.networks import NetworkSettings
from fckd.config.skeletons import KINECT_V1, KINECT_V2, LAYOUTS
from fckd.errors import UserError
from fckd.models.adjacency import partitioned_adjacency
from fckd.models.graph import GraphConvolution
from fckd.models.heatmaps import JointHeatmaps
from fckd.models.layers import Style
from fckd.models.table import build_network

every_layout = pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)


@every_layout
def test_a_joint_takes_equally_of_its_neighbours(layout):
    adjacency = partitioned_adjacency(layout)
    taken = adjacency.sum(dim=1)
    assert torch.equal(adjacency[0], torch.eye(len(layout.joints)))
    assert set(taken.unique().tolist()) <= {0.0, 1.0}
    assert taken[2, layout.root] == 0
    assert taken[2].sum() == len(layout.joints) - 1


def test_the_root_takes_a_share_of_each_child():
    adjacency = partitioned_adjacency(KINECT_V1)
    head = adjacency[1, KINECT_V1.index("head"), KINECT_V1.root]
    # head, spine and both shoulders
    assert head == 0.25


def test_bodies_do_not_mix_in_a_graph_convolution():
    layer = GraphConvolution(3, 8, KINECT_V2, Style(by_group=False, excitation=False)).eval()
    pair = torch.randn(2, 3, 4, 50)
    together = layer(pair)
    torch.testing.assert_close(together[..., 25:], layer(pair[..., 25:]))


@pytest.mark.parametrize("network", ["graph", "heatmap3d"])
@pytest.mark.parametrize("joints", [20, 25, 40, 50])
def test_every_known_layout_is_read(network, joints):
    settings = NetworkSettings(modality="skeleton", network=network, width=16, size=16)
    made = build_network(settings, (3, 8, joints), 5).eval()
    assert made(torch.randn(2, 3, 8, joints)).logits.shape == (2, 5)


@pytest.mark.parametrize("network", ["graph", "heatmap3d"])
def test_an_unknown_layout_is_refused(network):
    settings = NetworkSettings(modality="skeleton", network=network)
    with pytest.raises(UserError, match="a skeleton of 17 joints"):
        build_network(settings, (3, 8, 17), 5)


def drawn(joints, bodies=1, size=33):
    return JointHeatmaps(bodies, size)(joints)


def test_a_joint_is_brightest_where_it_is():
    # a square of joints, 15 pixels from the middle to a side, and one up and to the right
    joints = torch.tensor([[-1.0, -1, 0], [1, -1, 0], [-1, 1, 0], [1, 1, 0], [0.6, 0.6, 0]])
    heatmaps = drawn(joints.T[None, :, None, :])
    assert heatmaps.shape == (1, 5, 1, 33, 33)
    row, column = divmod(int(heatmaps[0, 4, 0].argmax()), 33)
    assert (row, column) == (16 - 9, 16 + 9)


def test_neither_place_nor_size_of_a_person_matters():
    joints = torch.randn(2, 3, 6, 20)
    moved = 3 * joints + torch.tensor([5.0, -2, 9]).reshape(3, 1, 1)
    torch.testing.assert_close(drawn(moved), drawn(joints), rtol=1e-3, atol=1e-4)


def test_heatmaps_are_shares():
    heatmaps = drawn(torch.randn(2, 3, 6, 20))
    assert heatmaps.min() >= 0
    assert heatmaps.max() <= 1


def test_a_body_that_is_absent_is_not_drawn():
    alone = torch.randn(2, 3, 6, 20) + 4
    pair = torch.cat([alone, torch.zeros(2, 3, 6, 20)], dim=3)
    torch.testing.assert_close(drawn(pair, bodies=2), drawn(alone))


def test_where_nobody_is_nothing_is_drawn():
    assert drawn(torch.zeros(2, 3, 6, 20)).abs().max() == 0


def test_each_of_two_bodies_is_drawn():
    first, second = torch.randn(2, 2, 3, 6, 20)
    both = drawn(torch.cat([first, second], dim=3), bodies=2)
    swapped = drawn(torch.cat([second, first], dim=3), bodies=2)
    assert torch.equal(both, swapped)
