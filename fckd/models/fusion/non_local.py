"""Two modalities joined by a non-local block.

Of Ren et al., convolutional non-local spatial-temporal learning for multi-modality action
recognition (Electronics Letters 58(20), 2022), only the title is read. The block is that of Wang
et al., Non-local Neural Networks (CVPR 2018), embedded Gaussian; ours is to let it see the
positions of both modalities together, and to join their maps afterwards by a convolution.
"""

import torch
from torch import nn

from fckd.config.fusion import FusionSettings
from fckd.models.fusion.attention import Attention
from fckd.models.fusion.grid import as_map, on_one_grid
from fckd.models.fusion.parts import Projection, parts_of, style_of_fusion
from fckd.models.layers import Style


class NonLocalFusion(nn.Module):
    """Two inputs -> (N, width, *grid): that of the images, if there are any, else (T,)."""

    def __init__(self, settings: FusionSettings, input_shapes: tuple[tuple[int, ...], ...]) -> None:
        super().__init__()
        style = style_of_fusion(settings)
        self.parts = parts_of(settings, input_shapes)
        self.block = NonLocalBlock(settings.width, style)
        self.join = Projection(2 * settings.width, settings.width, style)

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Return the fused map of two `inputs`, each (N, *input_shape) float."""
        maps = [part(x) for part, x in zip(self.parts, inputs, strict=True)]
        lines = [clip.flatten(start_dim=2) for clip in maps]
        seen = self.block(torch.cat(lines, dim=2)).split([line.shape[2] for line in lines], dim=2)
        first, second = (line.reshape(clip.shape) for line, clip in zip(seen, maps, strict=True))
        return as_map(self.join(torch.cat(on_one_grid(first, second), dim=1)))


class NonLocalBlock(nn.Module):
    """Every position takes from every other, beside a shortcut.

    Published blocks begin as nothing, to be put into trained networks; this one is trained with
    its network from the start.
    """

    def __init__(self, width: int, style: Style) -> None:
        super().__init__()
        self.attention = Attention(width)
        self.normalization = style.normalization(width, axes=1)

    def forward(self, positions: torch.Tensor) -> torch.Tensor:
        """Return the same shape as `positions` (N, width, P) float."""
        taken: torch.Tensor = self.normalization(self.attention(positions, positions))
        return positions + taken
