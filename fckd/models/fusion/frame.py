"""A skeleton sequence joined with a single image.

After Zhu et al., Skeleton Sequence and RGB Frame Based Multi-Modality Feature Fusion Network for
Action Recognition (TOMM 2022). Read from the abstract: early, the skeleton sequence is projected
onto the frame, so that its network attends to where limbs move; late, cross-attention joins the
features of both. Ours is the rest: how the attention is made of the projection, and who asks whom.
"""

import torch
from torch import nn
from torch.nn import functional as F

from fckd.config.fusion import FusionSettings
from fckd.config.skeletons import layout_of
from fckd.models.fusion.attention import Attention
from fckd.models.fusion.grid import as_map
from fckd.models.fusion.parts import Projection, parts_of, style_of_fusion
from fckd.models.heatmaps import JointHeatmaps
from fckd.models.layers import Style

DRAWN = 16
"""Height and width at which the skeleton is drawn; attention needs no finer ones."""
KERNEL = 3


class FrameFusion(nn.Module):
    """A skeleton and a frame -> (N, width, *grid), that of the skeleton's network without joints.

    Where the frame's network leaves a single position, there is nothing to choose from, and
    cross-attention adds the same to every step.
    """

    def __init__(self, settings: FusionSettings, input_shapes: tuple[tuple[int, ...], ...]) -> None:
        super().__init__()
        (_, _, joints), _ = input_shapes
        style = style_of_fusion(settings)
        self.limbs = LimbAttention(joints)
        self.skeleton, self.frame = parts_of(settings, input_shapes)
        self.cross = CrossAttention(settings.width, style)

    def forward(self, skeleton: torch.Tensor, frame: torch.Tensor) -> torch.Tensor:
        """Return the fused map.

        Args:
            skeleton: (N, 3, T, joints) float.
            frame: (N, channels, 1, H, W) float.
        """
        attended = frame * (1 + self.limbs(skeleton, frame.shape[3:]))
        return as_map(self.cross(self.skeleton(skeleton), self.frame(attended)))


class LimbAttention(nn.Module):
    """Where in an image a skeleton moves: a share in 0..1 for every pixel.

    A stored skeleton knows no camera: it is drawn into the square about the person, as images
    cropped to the person show it. What is not attended to is seen too, with half the weight.
    """

    def __init__(self, joints: int) -> None:
        super().__init__()
        layout, bodies = layout_of(joints)
        self.heatmaps = JointHeatmaps(bodies, DRAWN)
        self.weigh = nn.Conv2d(len(layout.joints), 1, KERNEL, padding=KERNEL // 2)

    def forward(self, skeleton: torch.Tensor, size: torch.Size) -> torch.Tensor:
        """Return (N, 1, 1, *size) of `skeleton` (N, 3, T, joints) float."""
        passed = self.heatmaps(skeleton).amax(dim=2)
        shares = torch.sigmoid(self.weigh(passed))
        return F.interpolate(shares, tuple(size), mode="bilinear").unsqueeze(2)


class CrossAttention(nn.Module):
    """Every position of one map asks all positions of another; both are joined."""

    def __init__(self, width: int, style: Style) -> None:
        super().__init__()
        self.attention = Attention(width)
        self.join = Projection(2 * width, width, style)

    def forward(self, asking: torch.Tensor, asked: torch.Tensor) -> torch.Tensor:
        """Return the shape of `asking`; both are (N, width, T, H, W) float."""
        taken = self.attention(asking.flatten(start_dim=2), asked.flatten(start_dim=2))
        joined: torch.Tensor = self.join(torch.cat([asking, taken.reshape(asking.shape)], dim=1))
        return joined
