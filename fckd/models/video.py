"""A (2+1)D network for depth and RGB: convolutions in each frame, then across frames."""

from itertools import pairwise

import torch
from torch import nn
from torch.nn import functional as F

from fckd.config.networks import NetworkSettings
from fckd.models.layers import (
    Normalization,
    input_normalization,
    normalization_layer,
    with_motion,
)
from fckd.models.network import ActionNetwork

STRIDES = (2, 2, 1, 2)
"""Of the stages, in height and width; shrinking one stage earlier costs two points on UTD-MHAD."""
FRAME_KERNEL = 3
TIME_KERNEL = 3


def video_network(
    settings: NetworkSettings, input_shape: tuple[int, ...], classes: int
) -> ActionNetwork:
    """Return a network on (channels, T, H, W); features are (N, width, T, H/8, W/8)."""
    body = VideoStages(2 * input_shape[0], settings.width, settings.normalization)
    return ActionNetwork(body, settings.width, classes, settings.dropout)


class VideoStages(nn.Module):
    """(N, C, T, H, W) -> (N, width, T, H/8, W/8): frames and their motion, then four stages.

    Frames are folded into the batch and kept channels-last: on one CPU core that halves the time
    of a step against `Conv3d`.
    """

    def __init__(self, channels: int, width: int, kind: Normalization) -> None:
        super().__init__()
        widths = (channels, max(1, width // 8), width // 4, width // 2, width)
        self.input_normalization = input_normalization(kind, channels, axes=3)
        self.stages = nn.ModuleList(
            VideoStage(channels_in, channels_out, stride, kind)
            for (channels_in, channels_out), stride in zip(pairwise(widths), STRIDES, strict=True)
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Return the last stage's feature map of `x` (N, C, T, H, W) float."""
        samples, time = x.shape[0], x.shape[2]
        normalized = self.input_normalization(with_motion(x))
        frames: torch.Tensor = normalized.transpose(1, 2).flatten(end_dim=1)
        frames = frames.contiguous(memory_format=torch.channels_last)
        for stage in self.stages:
            frames = stage(frames, time)
        return frames.reshape(samples, time, *frames.shape[1:]).transpose(1, 2)


class VideoStage(nn.Module):
    """A convolution within each frame and one across frames, each normalised and rectified."""

    def __init__(self, channels: int, width: int, stride: int, kind: Normalization) -> None:
        super().__init__()
        around = FRAME_KERNEL // 2
        self.within = nn.Conv2d(channels, width, FRAME_KERNEL, stride, around, bias=False)
        self.within_normalization = normalization_layer(kind, width, axes=2)
        self.across = AcrossFrames(width)
        self.across_normalization = normalization_layer(kind, width, axes=2)

    def forward(self, frames: torch.Tensor, time: int) -> torch.Tensor:
        """Return (N*T, width, H', W') of `frames` (N*T, channels, H, W)."""
        within = F.relu(self.within_normalization(self.within(frames)))
        return F.relu(self.across_normalization(self.across(within, time)))


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
