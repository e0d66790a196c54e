"""Joints drawn as heatmaps: a stack of images in place of a list of coordinates."""

import torch
from torch import nn

DEVIATION = 0.6
"""Of a joint's Gaussian, in pixels, as in PoseConv3D."""
MARGIN = 1.1
"""Side of the drawn square against the space that the clip's joints take."""
LEAST_SIDE = 1e-3


class JointHeatmaps(nn.Module):
    """(N, coordinates, T, bodies x V) -> (N, V, T, size, size) in 0..1, rows downwards.

    The square about all joints of a clip is drawn, so that neither place nor size of the person
    matters. Of two bodies the stronger value is taken; a body whose coordinates are all zero in a
    frame was not seen there, and is not drawn.

    Args:
        bodies: Number of bodies, side by side among the joints.
        size: Height and width of the images.
    """

    def __init__(self, bodies: int, size: int) -> None:
        super().__init__()
        self.bodies = bodies
        self.size = size

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the heatmaps of joints `x`: x to the right, y up."""
        joints = torch.unflatten(x, 3, (self.bodies, -1))
        seen = (joints != 0).any(dim=4, keepdim=True).any(dim=1, keepdim=True)
        columns, rows = self._pixels(joints[:, :2], seen)
        drawn = rows.unsqueeze(-1) * columns.unsqueeze(-2)
        shown = seen[:, 0, ..., None, None].to(drawn.dtype)
        return (drawn * shown).amax(dim=2).transpose(1, 2)

    def _pixels(
        self, points: torch.Tensor, seen: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return the Gaussians of every joint along columns and rows, (N, T, bodies, V, size)."""
        low = points.masked_fill(~seen, torch.inf).amin(dim=(2, 3, 4), keepdim=True)
        high = points.masked_fill(~seen, -torch.inf).amax(dim=(2, 3, 4), keepdim=True)
        side = (high - low).amax(dim=1, keepdim=True).clamp(min=LEAST_SIDE) * MARGIN
        # -0.5..0.5 within the square; without anybody seen, the infinite middle becomes nothing
        placed = torch.nan_to_num((points - (low + high) / 2) / side)
        across, up = placed.unbind(dim=1)
        return self._gaussians(across), self._gaussians(-up)

    def _gaussians(self, placed: torch.Tensor) -> torch.Tensor:
        middle = (self.size - 1) / 2
        pixels = torch.arange(self.size, device=placed.device, dtype=placed.dtype) - middle
        distances = (pixels - self.size * placed.unsqueeze(-1)) / DEVIATION
        return torch.exp(-distances.square() / 2)
