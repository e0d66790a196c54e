"""Positions that ask other positions, of the same map or of another modality's."""

import torch
from torch import nn
from torch.nn import functional as F


class Attention(nn.Module):
    """Each position takes from others, by a softmax of how well they answer it.

    What is asked, answered and taken has half the channels, as in the non-local block of Wang et
    al. (CVPR 2018). No biases: those of answers would change nothing.

    Args:
        width: Channels of both maps.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        inner = width // 2
        self.query = nn.Conv1d(width, inner, 1, bias=False)
        self.key = nn.Conv1d(width, inner, 1, bias=False)
        self.value = nn.Conv1d(width, inner, 1, bias=False)
        self.output = nn.Conv1d(inner, width, 1, bias=False)

    def forward(self, asking: torch.Tensor, asked: torch.Tensor) -> torch.Tensor:
        """Return what `asking` takes of `asked`.

        Args:
            asking: (N, width, P) float.
            asked: (N, width, Q) float.

        Returns:
            (N, width, P).
        """
        query, key, value = (
            layer(x).transpose(1, 2)
            for layer, x in ((self.query, asking), (self.key, asked), (self.value, asked))
        )
        taken = F.scaled_dot_product_attention(query, key, value).transpose(1, 2)
        output: torch.Tensor = self.output(taken)
        return output
