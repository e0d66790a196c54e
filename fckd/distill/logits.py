"""Plain logit distillation (KD, Hinton et al., 2015), from one or several teachers."""

from collections.abc import Sequence

from torch import Tensor, nn, stack
from torch.nn import functional as F

from fckd.config.objective import LogitSettings
from fckd.distill.precision import at_least_float32


def logit_loss(
    student: Tensor, teachers: Sequence[Tensor], shares: Tensor, temperature: float
) -> Tensor:
    """T² · KL(weighted mean of the teachers' softened probabilities ‖ the student's).

    Its gradient equals that of the weighted mean over teachers of T² KL(teacher ‖ student).

    Args:
        student: (N, classes) logits.
        teachers: One (N, classes) tensor of logits for each of M teachers; no gradient reaches
            them.
        shares: (N, M), how much each teacher counts; rows add up to 1.
        temperature: T > 0.

    Returns:
        (N,) ≥ 0; the loss is its mean.
    """
    softened = [at_least_float32(t.detach()).div(temperature).softmax(dim=1) for t in teachers]
    wanted = (stack(softened, dim=1) * shares.unsqueeze(2)).sum(dim=1)
    given = F.log_softmax(at_least_float32(student) / temperature, dim=1)
    return F.kl_div(given, wanted, reduction="none").sum(dim=1) * temperature**2


class LogitLoss(nn.Module):
    """`logit_loss` as an experiment describes it."""

    def __init__(self, settings: LogitSettings) -> None:
        super().__init__()
        self.settings = settings

    def forward(self, student: Tensor, teachers: Sequence[Tensor], shares: Tensor) -> Tensor:
        """Return (N,)."""
        return logit_loss(student, teachers, shares, self.settings.temperature)
