"""A student of two streams on the same input: its own, and one that hallucinates a teacher's.

Modality distillation with multiple stream networks (Garcia et al., ECCV 2018): the hallucination
stream learns to feel like the network of a modality that is absent at test time. There both
streams are ResNet-50 with cross-stream connections; ours are two of whatever network the student
is, joined by the mean of their logits.
"""

from typing import Literal

import torch

from fckd.models.network import ActionNetwork, NetworkOutput

Stage = Literal["own", "hallucination", "together"]


class HallucinationNetwork(ActionNetwork):
    """Two networks that read the same; the feature map is that of the second.

    Attributes:
        stage: Who answers: one stream, so that the other neither learns nor moves, or both.

    Args:
        own: Learns from labels alone.
        hallucination: Learns from the teachers.
    """

    def __init__(self, own: ActionNetwork, hallucination: ActionNetwork) -> None:
        super().__init__()
        self.own, self.hallucination = own, hallucination
        self.feature_channels = hallucination.feature_channels
        self.stage: Stage = "together"

    @property
    def class_weights(self) -> torch.Tensor | None:
        """The linear head's weight of the hallucination stream, (classes, C)."""
        return self.hallucination.class_weights

    def forward(self, x: torch.Tensor) -> NetworkOutput:
        """Return logits and features of `x` (N, *input_shape) float."""
        if self.stage == "own":
            return self.own(x)
        hallucinated = self.hallucination(x)
        if self.stage == "hallucination":
            return hallucinated
        logits = (self.own(x).logits + hallucinated.logits) / 2
        return NetworkOutput(logits, hallucinated.features)
