"""Skeletons as sensors name them: joints, bones, and which joint is which in a mirror."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from fckd.errors import UserError


@dataclass(frozen=True)
class SkeletonLayout:
    """The joints of one body, in the order of its recordings.

    Attributes:
        name: Of the sensor.
        joints: Names; those of paired joints begin with `left_` and `right_`.
        parents: Joint -> the next joint towards the root, for every joint but the root.
    """

    name: str
    joints: tuple[str, ...]
    parents: Mapping[str, str] = field(hash=False)

    def index(self, joint: str) -> int:
        """Return the place of `joint` in a recording."""
        return self.joints.index(joint)

    @cached_property
    def bones(self) -> tuple[tuple[int, int], ...]:
        """(child, parent) of every bone, as places in a recording."""
        return tuple(
            (self.index(child), self.index(parent)) for child, parent in self.parents.items()
        )

    @cached_property
    def root(self) -> int:
        """The joint without a parent: where the shoulders meet the spine."""
        return next(place for place, joint in enumerate(self.joints) if joint not in self.parents)

    @cached_property
    def mirrored(self) -> tuple[int, ...]:
        """The order of joints that renames them for a skeleton seen in a mirror."""
        return tuple(self.index(_other_side(joint)) for joint in self.joints)


_LIMBS = {
    f"{side}_{child}": f"{side}_{parent}"
    for side in ("left", "right")
    for child, parent in (
        ("elbow", "shoulder"),
        ("wrist", "elbow"),
        ("hand", "wrist"),
        ("knee", "hip"),
        ("ankle", "knee"),
        ("foot", "ankle"),
    )
}

KINECT_V1 = SkeletonLayout(
    name="Kinect v1",
    joints=(
        "head",
        "shoulder_center",
        "spine",
        "hip_center",
        "left_shoulder",
        "left_elbow",
        "left_wrist",
        "left_hand",
        "right_shoulder",
        "right_elbow",
        "right_wrist",
        "right_hand",
        "left_hip",
        "left_knee",
        "left_ankle",
        "left_foot",
        "right_hip",
        "right_knee",
        "right_ankle",
        "right_foot",
    ),
    parents={
        "head": "shoulder_center",
        "spine": "shoulder_center",
        "hip_center": "spine",
        "left_shoulder": "shoulder_center",
        "right_shoulder": "shoulder_center",
        "left_hip": "hip_center",
        "right_hip": "hip_center",
        **_LIMBS,
    },
)
"""Twenty joints in the order of UTD-MHAD."""

KINECT_V2 = SkeletonLayout(
    name="Kinect v2",
    joints=(
        "spine_base",
        "spine_middle",
        "neck",
        "head",
        "left_shoulder",
        "left_elbow",
        "left_wrist",
        "left_hand",
        "right_shoulder",
        "right_elbow",
        "right_wrist",
        "right_hand",
        "left_hip",
        "left_knee",
        "left_ankle",
        "left_foot",
        "right_hip",
        "right_knee",
        "right_ankle",
        "right_foot",
        "spine_shoulder",
        "left_hand_tip",
        "left_thumb",
        "right_hand_tip",
        "right_thumb",
    ),
    parents={
        "spine_base": "spine_middle",
        "spine_middle": "spine_shoulder",
        "neck": "spine_shoulder",
        "head": "neck",
        "left_shoulder": "spine_shoulder",
        "right_shoulder": "spine_shoulder",
        "left_hip": "spine_base",
        "right_hip": "spine_base",
        "left_hand_tip": "left_hand",
        "left_thumb": "left_hand",
        "right_hand_tip": "right_hand",
        "right_thumb": "right_hand",
        **_LIMBS,
    },
)
"""Twenty-five joints in the order of NTU RGB+D."""

LAYOUTS = (KINECT_V1, KINECT_V2)
MOST_BODIES = 2


def layout_of(joints: int) -> tuple[SkeletonLayout, int]:
    """Return the layout of a reading with so many joints, and its number of bodies.

    The joints of the first body come before those of the second.

    Raises:
        UserError: No known layout has so many joints.
    """
    known = {
        bodies * len(layout.joints): (layout, bodies)
        for layout in LAYOUTS
        for bodies in range(1, MOST_BODIES + 1)
    }
    if joints not in known:
        listed = [
            f"{count} ({bodies} x {layout.name})" for count, (layout, bodies) in known.items()
        ]
        raise UserError(
            f"a skeleton of {joints} joints",
            f"one of {', '.join(listed)}",
            "add its layout to fckd/config/skeletons.py, or use a network that needs none: "
            "temporal, tcn, transformer",
        )
    return known[joints]


def _other_side(joint: str) -> str:
    side, _, part = joint.partition("_")
    return {"left": f"right_{part}", "right": f"left_{part}"}.get(side, joint)
