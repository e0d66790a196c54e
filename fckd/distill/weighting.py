"""How much each of several teachers counts for each sample."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from fckd.config.experiment import WeightingSettings
from fckd.distill.precision import at_least_float32


def teacher_shares(
    settings: WeightingSettings, teachers: Mapping[str, Tensor], labels: Tensor
) -> Tensor:
    """Return the share of each teacher for each sample.

    The rule's share times the teacher's fixed weight, divided by their sum over the teachers: with
    one teacher it is 1 under every rule.

    Args:
        settings: The rule and the fixed weights.
        teachers: For each of M teachers its logits (N, classes).
        labels: (N,) int64, the true classes.

    Returns:
        (N, M) float32, rows add up to 1; no gradient.
    """
    logits = [at_least_float32(values.detach()) for values in teachers.values()]
    # Filled where they are: a step that is captured for a GPU must not bring numbers from outside.
    fixed = torch.stack([logits[0].new_full((), settings.weights.get(t, 1.0)) for t in teachers])
    shares = _rule(settings, logits, labels) * fixed
    total = shares.sum(dim=1, keepdim=True)
    # A sample whose every weighted share is 0 (the only certain teacher was dropped): fixed ones.
    return torch.where(total > 0, shares / total, fixed / fixed.sum())


def entropy_shares(teachers: Sequence[Tensor]) -> Tensor:
    """(1 - H_m / Σ_j H_j) / (M - 1) of the entropies H of the teachers' probabilities.

    EBKD (Kwon et al., ICASSP 2020), divided by M - 1 so that shares add up to 1.

    Args:
        teachers: Of M ≥ 2 teachers the logits, (N, classes) each.

    Returns:
        (N, M); equal shares where no teacher has entropy.
    """
    probabilities = torch.stack([logits.softmax(dim=1) for logits in teachers], dim=1)
    entropies = torch.special.entr(probabilities).sum(dim=2)
    total = entropies.sum(dim=1, keepdim=True)
    equal = torch.full_like(entropies, 1 / len(teachers))
    shares = (1 - entropies / torch.where(total > 0, total, 1)) / (len(teachers) - 1)
    return torch.where(total > 0, shares, equal)


def confidence_shares(teachers: Sequence[Tensor], labels: Tensor) -> Tensor:
    """(1 - softmax over teachers of their cross-entropies) / (M - 1).

    CA-MKD (Zhang et al., ICASSP 2022, eq. 3).

    Args:
        teachers: Of M ≥ 2 teachers the logits, (N, classes) each.
        labels: (N,) int64, the true classes.

    Returns:
        (N, M).
    """
    losses = [F.cross_entropy(logits, labels, reduction="none") for logits in teachers]
    return (1 - torch.stack(losses, dim=1).softmax(dim=1)) / (len(teachers) - 1)


def _rule(settings: WeightingSettings, logits: Sequence[Tensor], labels: Tensor) -> Tensor:
    if len(logits) == 1 or settings.rule == "equal":
        return logits[0].new_full((len(labels), len(logits)), 1 / len(logits))
    if settings.rule == "entropy":
        return entropy_shares(logits)
    return confidence_shares(logits, labels)
