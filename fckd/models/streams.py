"""Streams of a skeleton: joints or bones, where they are or how they move.

After Shi et al., Two-Stream Adaptive Graph Convolutional Networks (CVPR 2019).
"""

import torch
from torch import nn

from fckd.config.networks import Stream
from fckd.config.skeletons import layout_of
from fckd.models.layers import motion_of


class SkeletonStream(nn.Module):
    """One stream of a skeleton's joints, of the same shape.

    Args:
        stream: Which.
        joints: Number of joints of all bodies.

    Raises:
        UserError: Bones are asked for, but the layout of so many joints is not known.
    """

    parents: torch.Tensor | None

    def __init__(self, stream: Stream, joints: int) -> None:
        super().__init__()
        parents = torch.tensor(_parents(joints)) if stream.startswith("bone") else None
        self.register_buffer("parents", parents, persistent=False)
        self.moving = stream.endswith("motion")

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the stream of joints `x` (N, 3, T, joints) float."""
        if self.parents is not None:
            x = x - x.index_select(3, self.parents)
        return motion_of(x) if self.moving else x


def _parents(joints: int) -> list[int]:
    """Return the parent of every joint; a root is its own, so that its bone is zero."""
    layout, bodies = layout_of(joints)
    size = len(layout.joints)
    parent = dict(layout.bones)
    return [
        body * size + parent.get(joint, joint) for body in range(bodies) for joint in range(size)
    ]
