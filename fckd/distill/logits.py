"""Plain logit distillation (Hinton et al., 2015), from one or several teachers."""

from collections.abc import Sequence

from torch import Tensor, stack
from torch.nn import functional as F

from fckd.distill.precision import at_least_float32


def logit_loss(student: Tensor, teachers: Sequence[Tensor], temperature: float) -> Tensor:
    """T²/N · Σ KL(mean of the teachers' softened probabilities ‖ the student's).

    Its gradient equals that of the mean over teachers of T² KL(teacher ‖ student).

    Args:
        student: (N, classes) logits.
        teachers: One (N, classes) tensor of logits for each teacher; no gradient reaches them.
        temperature: T > 0.

    Returns:
        A scalar ≥ 0.
    """
    softened = [at_least_float32(t.detach()).div(temperature).softmax(dim=1) for t in teachers]
    given = F.log_softmax(at_least_float32(student) / temperature, dim=1)
    divergence = F.kl_div(given, stack(softened).mean(dim=0), reduction="batchmean")
    return divergence * temperature**2
