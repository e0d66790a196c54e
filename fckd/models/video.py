"""A (2+1)D network for images: convolutions in each frame, then across frames."""

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F

from fckd.config.networks import NetworkSettings
from fckd.models.frames import folded, frame_by_frame, unfolded
from fckd.models.layers import Style, style_of, with_motion
from fckd.models.network import PooledNetwork

STRIDES = (2, 2, 1, 2)
"""Of the stages, in height and width; shrinking one stage earlier costs two points on UTD-MHAD."""
FRAME_KERNEL = 3
TIME_KERNEL = 3
QUANTITIES = 2
"""Pixels and their change."""


def video_network(
    settings: NetworkSettings, input_shape: tuple[int, ...], classes: int
) -> PooledNetwork:
    """Return a network on (channels, T, H, W); features are (N, width, T, H/8, W/8)."""
    body = VideoBody(2 * input_shape[0], settings.width, style_of(settings))
    return PooledNetwork(body, settings.width, classes, settings.dropout)


class VideoBody(nn.Module):
    """(N, C, T, H, W) -> (N, width, T, H/8, W/8): frames and their motion, then four stages."""

    def __init__(self, channels: int, width: int, style: Style) -> None:
        super().__init__()
        widths = (channels, max(1, width // 8), width // 4, width // 2, width)
        self.input_normalization = style.input_normalization(channels, 3, QUANTITIES)
        self.stages = nn.Sequential(
            *(
                VideoStage(channels_in, channels_out, stride, style)
                for (channels_in, channels_out), stride in zip(
                    pairwise(widths), STRIDES, strict=True
                )
            )
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the last stage's feature map of `x` (N, C, T, H, W) float."""
        features: torch.Tensor = self.stages(
            frame_by_frame(self.input_normalization(with_motion(x)))
        )
        return features


class VideoStage(nn.Module):
    """A convolution within each frame and one across frames, each normalised and rectified."""

    def __init__(self, channels: int, width: int, stride: int, style: Style) -> None:
        super().__init__()
        around = FRAME_KERNEL // 2
        self.within = nn.Conv2d(channels, width, FRAME_KERNEL, stride, around, bias=False)
        self.within_normalization = style.normalization(width, axes=2)
        self.across = AcrossFrames(width)
        self.across_normalization = style.normalization(width, axes=2)
        self.excitation = style.excite(width)

    def forward(self, clips: torch.Tensor) -> torch.Tensor:
        """Return (N, width, T, H', W') of `clips` (N, channels, T, H, W)."""
        time = clips.shape[2]
        within = F.relu(self.within_normalization(self.within(folded(clips))))
        across = F.relu(self.across_normalization(self.across(within, time)))
        excited: torch.Tensor = self.excitation(unfolded(across, time))
        return excited


class AcrossFrames(nn.Module):
    """A convolution in time at every position, written as a (3, 1) kernel over (T, H*W)."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(
            width, width, (TIME_KERNEL, 1), padding=(TIME_KERNEL // 2, 0), bias=False
        )

    def forward(self, frames: torch.Tensor, time: int) -> torch.Tensor:
        """Return the same shape as `frames` (N*T, width, H, W), of T frames a sample."""
        _, width, height, breadth = frames.shape
        channels_last = frames.permute(0, 2, 3, 1)
        clips = channels_last.reshape(
            frames.shape[0] // time, time, height * breadth, width
        ).permute(0, 3, 1, 2)
        mixed: torch.Tensor = self.convolution(clips).permute(0, 2, 3, 1)
        return mixed.reshape(frames.shape[0], height, breadth, width).permute(0, 3, 1, 2)
