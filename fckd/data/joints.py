"""The twenty joints of a skeleton, in the order of UTD-MHAD (Kinect v1)."""

JOINTS = (
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
)

HEAD, SHOULDER_CENTER, SPINE, HIP_CENTER = range(4)


def joint(name: str) -> int:
    """Return the index of the joint `name`."""
    return JOINTS.index(name)


def _other_side(name: str) -> str:
    side, _, part = name.partition("_")
    return {"left": f"right_{part}", "right": f"left_{part}"}.get(side, name)


MIRRORED = tuple(joint(_other_side(name)) for name in JOINTS)
"""`points[..., MIRRORED, :]` names the joints of a skeleton seen in a mirror."""
