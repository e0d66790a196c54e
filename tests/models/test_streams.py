"""What a skeleton network reads of the joints."""

import pytest
import torch
from pydantic import ValidationError

from fckd.config.networks import NetworkSettings
from fckd.config.skeletons import KINECT_V1
from fckd.errors import UserError
from fckd.models.streams import SkeletonStream
from fckd.models.table import build_network

STREAMS = ("joint", "bone", "joint_motion", "bone_motion")


def skeleton(joints=20):
    return torch.randn(2, 3, 6, joints)


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("joints", [20, 25, 40, 50])
def test_a_stream_has_the_shape_of_the_joints(stream, joints):
    assert SkeletonStream(stream, joints)(skeleton(joints)).shape == (2, 3, 6, joints)


def test_joints_are_read_as_they_are():
    joints = skeleton()
    assert torch.equal(SkeletonStream("joint", 20)(joints), joints)


def test_a_bone_leads_from_parent_to_child():
    joints = skeleton()
    bones = SkeletonStream("bone", 20)(joints)
    elbow, shoulder = KINECT_V1.index("left_elbow"), KINECT_V1.index("left_shoulder")
    assert torch.equal(bones[..., elbow], joints[..., elbow] - joints[..., shoulder])
    assert bones[..., KINECT_V1.root].abs().max() == 0


@pytest.mark.parametrize("joints", [20, 50])
def test_bones_do_not_feel_where_the_skeleton_stands(joints):
    standing = skeleton(joints)
    stream = SkeletonStream("bone", joints)
    moved = standing + torch.randn(2, 3, 6, 1)
    torch.testing.assert_close(stream(moved), stream(standing))


def test_bones_of_one_body_do_not_feel_the_other():
    pair = skeleton(40)
    stream = SkeletonStream("bone", 40)
    other = torch.cat([pair[..., :20], torch.randn(2, 3, 6, 20)], dim=3)
    assert torch.equal(stream(pair)[..., :20], stream(other)[..., :20])
    assert torch.equal(stream(pair)[..., :20], SkeletonStream("bone", 20)(pair[..., :20]))


@pytest.mark.parametrize("stream", ["joint_motion", "bone_motion"])
def test_a_still_skeleton_has_no_motion(stream):
    still = skeleton()[:, :, :1].expand(-1, -1, 6, -1)
    assert SkeletonStream(stream, 20)(still).abs().max() == 0


def test_motion_is_the_change_from_step_to_step():
    joints = skeleton()
    motion = SkeletonStream("joint_motion", 20)(joints)
    assert torch.equal(motion[:, :, 1:], joints[:, :, 1:] - joints[:, :, :-1])


@pytest.mark.parametrize("network", ["temporal", "tcn", "transformer", "graph"])
def test_the_stream_decides_what_a_network_sees(network):
    settings = NetworkSettings(modality="skeleton", network=network, width=16, stream="bone")
    made = build_network(settings, (3, 12, 20), 5).eval()
    joints = torch.randn(2, 3, 12, 20)
    moved = joints + torch.ones(2, 3, 12, 1)
    torch.testing.assert_close(made(joints).logits, made(moved).logits)


def test_bones_of_an_unknown_layout_are_refused():
    with pytest.raises(UserError, match="a skeleton of 17 joints"):
        SkeletonStream("bone", 17)


def test_joints_of_an_unknown_layout_are_read():
    settings = NetworkSettings(modality="skeleton", network="temporal", width=16)
    assert build_network(settings, (3, 12, 17), 5)(torch.randn(2, 3, 12, 17)).logits.shape == (2, 5)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"network": "heatmap3d", "stream": "bone"}, "bone has no heatmaps"),
        ({"modality": "inertial", "network": "tcn", "stream": "bone"}, "read of a skeleton"),
        ({"network": "transformer", "excitation": True}, "stages of convolutions"),
    ],
)
def test_a_setting_without_meaning_is_refused(changes, message):
    with pytest.raises(ValidationError, match=message):
        NetworkSettings(**{"modality": "skeleton", **changes})
