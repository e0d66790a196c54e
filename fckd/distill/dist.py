"""Relations between the classes of a sample and within a class, by Pearson correlation.

DIST (Huang et al., NeurIPS 2022).
"""

from torch import Tensor, nn

from fckd.config.objective import DistSettings
from fckd.distill.precision import at_least_float32
from fckd.distill.unit import unit


def dist_loss(
    student: Tensor, teacher: Tensor, temperature: float, inter: float, intra: float
) -> Tensor:
    """T² · (β · (1 - ρ of a sample's probabilities) + γ · (1 - ρ of a class's, mean over classes)).

    The intra-class addend relates the samples of the batch to each other: it is one number, added
    to each of them, and 0 for a batch of one.

    Args:
        student: (N, classes) logits.
        teacher: (N, classes) logits; no gradient reaches it.
        temperature: T > 0, of the probabilities that are correlated.
        inter: β, the weight of the relation between classes.
        intra: γ, the weight of the relation within classes.

    Returns:
        (N,) ≥ 0; the loss is its mean.
    """
    given = (at_least_float32(student) / temperature).softmax(dim=1)
    wanted = (at_least_float32(teacher.detach()) / temperature).softmax(dim=1)
    between = _pearson_distance(given, wanted, dim=1)
    within = _pearson_distance(given, wanted, dim=0).mean()
    return temperature**2 * (inter * between + intra * within)


class DistLoss(nn.Module):
    """`dist_loss` as an experiment describes it."""

    def __init__(self, settings: DistSettings) -> None:
        super().__init__()
        self.settings = settings

    def forward(self, student: Tensor, teacher: Tensor, labels: Tensor) -> Tensor:  # noqa: ARG002
        """Return (N,); `labels` are not read."""
        settings = self.settings
        return dist_loss(student, teacher, settings.temperature, settings.inter, settings.intra)


def _pearson_distance(left: Tensor, right: Tensor, dim: int) -> Tensor:
    """Return 1 - ρ along `dim`, as ½ ‖centred unit left - centred unit right‖².

    So written it is exactly 0 for equal sides, also where there is no variance and ρ has no
    meaning (one sample); it is ½ where only one side has none.
    """
    difference = unit(_centred(left, dim), dim) - unit(_centred(right, dim), dim)
    return difference.square().sum(dim=dim) / 2


def _centred(values: Tensor, dim: int) -> Tensor:
    """Subtract the mean; equal values leave exactly nothing, not the rounding of their mean."""
    shifted = values - values.narrow(dim, 0, 1)
    return shifted - shifted.mean(dim=dim, keepdim=True)
