"""Two modalities whose channels are exchanged between them and shifted across frames.

After Lin et al., Multi-modality action recognition based on dual feature shift in vehicle cabin
monitoring (ICASSP 2024, arXiv 2401.14838). Read from the abstract: channels interact across
modalities, channels are shifted between neighbouring frames, and stages are shared by the
modalities. Ours: how many channels, that stages are the residual blocks of the temporal shift
module, and that both modalities are brought to one grid before, for ours need not be two videos.
"""

import torch
from torch import nn

from fckd.config.fusion import FusionSettings
from fckd.models.frames import folded, frame_by_frame, unfolded
from fckd.models.fusion.grid import as_map, on_one_grid
from fckd.models.fusion.parts import parts_of, style_of_fusion
from fckd.models.tsm import BasicBlock

STAGES = 2
EXCHANGED = 8
"""One channel in so many goes over to the other modality."""


class ShiftFusion(nn.Module):
    """Two inputs -> (N, width, *grid): that of the images, if there are any, else (T,)."""

    def __init__(self, settings: FusionSettings, input_shapes: tuple[tuple[int, ...], ...]) -> None:
        super().__init__()
        style = style_of_fusion(settings)
        self.parts = parts_of(settings, input_shapes)
        width = settings.width
        self.stages = nn.ModuleList(BasicBlock(width, width, 1, style) for _ in range(STAGES))

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        """Return the fused map of two `inputs`, each (N, *input_shape) float."""
        first, second = (part(x) for part, x in zip(self.parts, inputs, strict=True))
        both = torch.stack(on_one_grid(first, second))
        for stage in self.stages:
            both = _shared(stage, exchanged(both))
        return as_map(both.mean(dim=0))


def exchanged(both: torch.Tensor) -> torch.Tensor:
    """Return (2, N, C, T, H, W) with the last channels of each modality given to the other.

    The last ones, for the first are those that are shifted across frames.
    """
    share = max(1, both.shape[2] // EXCHANGED)
    return torch.cat([both[:, :, :-share], both[:, :, -share:].flip(0)], dim=2)


def _shared(stage: nn.Module, both: torch.Tensor) -> torch.Tensor:
    """Return both modalities after `stage`, which reads them as one batch.

    Read one after the other they would be normalised by unlike means in training, but by the
    same ones in evaluation.
    """
    clips = frame_by_frame(both.flatten(end_dim=1))
    time = clips.shape[2]
    return unfolded(stage(folded(clips), time), time).reshape(both.shape)
