import pytest

from fckd.config.skeletons import KINECT_V1, KINECT_V2, LAYOUTS, layout_of
from fckd.errors import UserError

every_layout = pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)


@pytest.mark.parametrize(
    ("joints", "layout", "bodies"),
    [(20, KINECT_V1, 1), (25, KINECT_V2, 1), (40, KINECT_V1, 2), (50, KINECT_V2, 2)],
)
def test_the_number_of_joints_tells_layout_and_bodies(joints, layout, bodies):
    assert layout_of(joints) == (layout, bodies)


def test_an_unknown_number_of_joints_is_refused_with_the_known_ones():
    with pytest.raises(UserError, match=r"17 joints[\s\S]*20 \(1 x Kinect v1\)"):
        layout_of(17)


@every_layout
def test_every_joint_leads_to_the_root(layout):
    parents = dict(layout.bones)
    for joint in range(len(layout.joints)):
        steps = 0
        while joint != layout.root:
            joint = parents[joint]
            steps += 1
            assert steps < len(layout.joints)


@every_layout
def test_a_mirror_seen_in_a_mirror_changes_nothing(layout):
    assert [layout.mirrored[joint] for joint in layout.mirrored] == list(range(len(layout.joints)))


@every_layout
def test_a_mirror_keeps_the_bones(layout):
    mirrored = {(layout.mirrored[child], layout.mirrored[parent]) for child, parent in layout.bones}
    assert mirrored == set(layout.bones)


@every_layout
def test_joints_in_a_mirror_change_sides(layout):
    for place, other in enumerate(layout.mirrored):
        name = layout.joints[place]
        expected = name.replace("left", "?").replace("right", "left").replace("?", "right")
        assert layout.joints[other] == expected


@pytest.mark.parametrize(
    ("number", "joint"), [(4, "head"), (21, "spine_shoulder"), (25, "right_thumb")]
)
def test_joints_of_ntu_stand_where_its_manual_numbers_them(number, joint):
    assert KINECT_V2.index(joint) == number - 1
