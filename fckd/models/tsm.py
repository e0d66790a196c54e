"""Image networks whose channels are shifted between frames.

After Lin et al., TSM: Temporal Shift Module for Efficient Video Understanding (ICCV 2019). At
width 512 (18 layers) or 2048 (50) the body's weights have the names and shapes of torchvision's
`resnet18` and `resnet50`, so that published files can be loaded; hence names such as `bn1`.
"""

import torch
from torch import nn
from torch.nn import functional as F

from fckd.config.networks import LAYERS, NetworkSettings
from fckd.models.frames import (
    folded,
    frame_by_frame,
    lay_out_pointwise_kernels,
    unfolded,
)
from fckd.models.layers import Style, style_of
from fckd.models.network import PooledNetwork
from fckd.models.pixels import IMAGENET, standardized

BLOCKS = {18: (2, 2, 2, 2), 50: (3, 4, 6, 3)}
EXPANSION = {18: 1, 50: 4}
"""Of a block's output against its inner width."""
SHIFTED = 8
"""One channel in so many comes from the next frame, and one from the frame before."""


def tsm_network(
    settings: NetworkSettings, input_shape: tuple[int, ...], classes: int
) -> PooledNetwork:
    """Return a network on (channels, T, H, W); features are (N, width, T, H/32, W/32)."""
    layers = settings.layers or LAYERS[settings.network][0]
    body = ShiftBody(input_shape[0], settings.width, layers, style_of(settings))
    return PooledNetwork(body, settings.width, classes, settings.dropout)


class ShiftBody(nn.Module):
    """A residual network over frames: a stem, and four stages of blocks."""

    def __init__(self, channels: int, width: int, layers: int, style: Style) -> None:
        super().__init__()
        expansion, blocks = EXPANSION[layers], BLOCKS[layers]
        base = max(1, width // (8 * expansion))
        self.conv1 = nn.Conv2d(channels, base, 7, 2, 3, bias=False)
        self.bn1 = style.normalization(base, axes=2)
        self.layer1 = ShiftStage(base, base * expansion, blocks[0], 1, expansion, style)
        self.layer2 = ShiftStage(base * expansion, width // 4, blocks[1], 2, expansion, style)
        self.layer3 = ShiftStage(width // 4, width // 2, blocks[2], 2, expansion, style)
        self.layer4 = ShiftStage(width // 2, width, blocks[3], 2, expansion, style)
        lay_out_pointwise_kernels(self)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return (N, width, T, H/32, W/32) of `x` (N, C, T, H, W) float in 0..1."""
        clips = frame_by_frame(standardized(x, IMAGENET))
        frames = F.relu(self.bn1(self.conv1(folded(clips))))
        clips = unfolded(F.max_pool2d(frames, 3, 2, 1), x.shape[2])
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            clips = stage(clips)
        return clips


class ShiftStage(nn.ModuleList):
    """Residual blocks over the frames of clips; the first one shrinks them."""

    def __init__(
        self, channels: int, width: int, blocks: int, stride: int, expansion: int, style: Style
    ) -> None:
        block = BasicBlock if expansion == 1 else Bottleneck
        super().__init__(
            [
                block(channels, width, stride, style),
                *(block(width, width, 1, style) for _ in range(blocks - 1)),
            ]
        )

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        """Return (N, width, T, H / stride, W / stride) of `clips` (N, channels, T, H, W)."""
        time = clips.shape[2]
        frames = folded(clips)
        for block in self:
            frames = block(frames, time)
        return unfolded(frames, time)


class BasicBlock(nn.Module):
    """Two convolutions beside a shortcut."""

    def __init__(self, channels: int, width: int, stride: int, style: Style) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, width, 3, stride, 1, bias=False)
        self.bn1 = style.normalization(width, axes=2)
        self.conv2 = nn.Conv2d(width, width, 3, 1, 1, bias=False)
        self.bn2 = style.normalization(width, axes=2)
        self.excitation = style.excite(width)
        self.downsample = style.shortcut(channels, width, (stride, stride))

    def forward(self, frames: torch.Tensor, time: int) -> torch.Tensor:
        """Return (N*T, width, H / stride, W / stride) of `frames` (N*T, channels, H, W)."""
        inner = F.relu(self.bn1(self.conv1(shifted(frames, time))))
        inner = self.bn2(self.conv2(inner))
        return F.relu(self.excitation(inner) + self.downsample(frames))


class Bottleneck(nn.Module):
    """A convolution between two of one pixel, which narrow and widen, beside a shortcut."""

    def __init__(self, channels: int, width: int, stride: int, style: Style) -> None:
        super().__init__()
        inner = max(1, width // EXPANSION[50])
        self.conv1 = nn.Conv2d(channels, inner, 1, bias=False)
        self.bn1 = style.normalization(inner, axes=2)
        self.conv2 = nn.Conv2d(inner, inner, 3, stride, 1, bias=False)
        self.bn2 = style.normalization(inner, axes=2)
        self.conv3 = nn.Conv2d(inner, width, 1, bias=False)
        self.bn3 = style.normalization(width, axes=2)
        self.excitation = style.excite(width)
        self.downsample = style.shortcut(channels, width, (stride, stride))

    def forward(self, frames: torch.Tensor, time: int) -> torch.Tensor:
        """Return (N*T, width, H / stride, W / stride) of `frames` (N*T, channels, H, W)."""
        inner = F.relu(self.bn1(self.conv1(shifted(frames, time))))
        inner = F.relu(self.bn2(self.conv2(inner)))
        inner = self.bn3(self.conv3(inner))
        return F.relu(self.excitation(inner) + self.downsample(frames))


def shifted(frames: torch.Tensor, time: int) -> torch.Tensor:
    """Return frames (N*T, C, H, W) with some channels of the next and of the last frame.

    Beyond a clip's ends there are zeros. Channels come last meanwhile, as they lie in memory, and
    are put together once: written piece by piece into another tensor, forward and backward take
    three to five times as long.
    """
    clips = torch.unflatten(frames.permute(0, 2, 3, 1), 0, (frames.shape[0] // time, time))
    channels = clips.shape[4]
    share = max(1, channels // SHIFTED)
    other = min(share, channels - share)
    following, last, rest = torch.split(clips, [share, other, channels - share - other], dim=4)
    following = torch.cat((following[:, 1:], torch.zeros_like(following[:, :1])), dim=1)
    last = torch.cat((torch.zeros_like(last[:, :1]), last[:, :-1]), dim=1)
    moved = torch.cat((following, last, rest), dim=4)
    return moved.flatten(end_dim=1).permute(0, 3, 1, 2)
