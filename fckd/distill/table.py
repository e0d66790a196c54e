"""Every term of the objective by its name: the module that computes it.

A module returns one value for each sample, (N,), or a scalar if it relates the samples of a batch
to each other.
"""

from collections.abc import Callable
from typing import Any

from torch import nn

from fckd.distill.attention_transfer import AttentionTransferLoss
from fckd.distill.channel_distillation import ChannelDistillationLoss
from fckd.distill.correlation import CorrelationLoss
from fckd.distill.correlation_congruence import CorrelationCongruenceLoss
from fckd.distill.cwd import CwdLoss
from fckd.distill.dist import DistLoss
from fckd.distill.distribution import DistributionLoss
from fckd.distill.dkd import DkdLoss
from fckd.distill.fgd import FgdLoss
from fckd.distill.fitnet import FitnetLoss
from fckd.distill.hallucination import HallucinationLoss
from fckd.distill.ickd import IckdLoss
from fckd.distill.logits import LogitLoss
from fckd.distill.mars import MarsLoss
from fckd.distill.relational import RelationalLoss
from fckd.distill.similarity_preserving import SimilarityPreservingLoss

Builder = Callable[[Any], nn.Module]

FOCAL: dict[str, Builder] = {
    "correlation": CorrelationLoss,
    "distribution": DistributionLoss,
}
"""forward(student (N, K, *grid), teacher (N, K, *grid), emphasis (N, K) or None): the focal
channels of the embedded student and of the teacher."""

EMBEDDED: dict[str, Builder] = {
    "fitnet": FitnetLoss,
    "ickd": IckdLoss,
    "cwd": CwdLoss,
    "fgd": FgdLoss,
    "channel_distillation": ChannelDistillationLoss,
    "mars": MarsLoss,
    "hallucination": HallucinationLoss,
}
"""forward(student (N, C, *grid), teacher (N, C, *grid)): all channels, the student embedded."""

RAW: dict[str, Builder] = {
    "attention_transfer": AttentionTransferLoss,
    "similarity_preserving": SimilarityPreservingLoss,
    "correlation_congruence": CorrelationCongruenceLoss,
    "relational": RelationalLoss,
}
"""forward(student (N, C_student, *grid), teacher (N, C_teacher, *grid)): the student as it is."""

LOGITS: dict[str, Builder] = {"dkd": DkdLoss, "dist": DistLoss}
"""forward(student (N, classes), teacher (N, classes), labels (N,) int64)."""

MERGED: dict[str, Builder] = {"logits": LogitLoss}
"""forward(student, [teacher, ...], shares (N, M)): of all teachers together."""

TERMS = {**FOCAL, **EMBEDDED, **RAW, **LOGITS, **MERGED}
