"""Features weighted by the teacher's channel attention, and that attention itself.

The channel part of FGD (Yang et al., CVPR 2022). Its spatial attention and its
masks of foreground and background belong to detection and are left out.
"""

from torch import Tensor, nn

from fckd.config.objective import FgdSettings
from fckd.distill.grids import common_grid
from fckd.distill.precision import at_least_float32


def channel_attention(features: Tensor, temperature: float) -> Tensor:
    """Return C · softmax over channels of (mean over positions of |F|) / T.

    Args:
        features: (N, C, P), float32 or wider.
        temperature: T > 0.

    Returns:
        (N, C), of mean 1 in each row.
    """
    magnitude = features.abs().mean(dim=2) / temperature
    return features.shape[1] * magnitude.softmax(dim=1)


def fgd_loss(student: Tensor, teacher: Tensor, temperature: float, attention: float) -> Tensor:
    """Mean of A_t · (student - teacher)² + γ · mean of |A_s - A_t|, A the channel attentions.

    The means are over channels and positions, and over channels; the paper has sums, which are
    C·P and C times as large and need weights as small as 5e-4.

    Args:
        student: (N, C, P), the embedded student on the common grid.
        teacher: (N, C, P); no gradient reaches it.
        temperature: T > 0 of the attention.
        attention: γ ≥ 0, the weight of the difference of the two attentions.

    Returns:
        (N,) ≥ 0; the loss is its mean.
    """
    given, wanted = at_least_float32(student), at_least_float32(teacher.detach())
    ours, theirs = (channel_attention(side, temperature) for side in (given, wanted))
    channels = (given - wanted).square().mean(dim=2)
    return (theirs * channels).mean(dim=1) + attention * (ours - theirs).abs().mean(dim=1)


class FgdLoss(nn.Module):
    """`fgd_loss` as an experiment describes it."""

    def __init__(self, settings: FgdSettings) -> None:
        super().__init__()
        self.settings = settings

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Return (N,) of all channels of both sides, (N, C, *grid) each."""
        settings = self.settings
        left, right = common_grid(student, teacher, settings.positions)
        return fgd_loss(left, right, settings.temperature, settings.attention)
