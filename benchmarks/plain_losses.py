"""The losses as the reference repositories write them: step by step, nothing fused or reused.

What `benchmarks.loss_cost` measures ours against. Each takes student and teacher, (N, C, P) or
logits (N, classes), and returns the scalar that our term has as its mean.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional as F

Writing = Callable[[Tensor, Tensor], Tensor]


def correlation(student: Tensor, teacher: Tensor) -> Tensor:
    """ICKD."""
    samples, channels, _ = student.shape
    given = F.normalize(torch.bmm(student, student.permute(0, 2, 1)), dim=2)
    wanted = F.normalize(torch.bmm(teacher, teacher.permute(0, 2, 1)), dim=2)
    difference = given - wanted
    return (difference * difference).sum() / (channels * samples)


def distribution(student: Tensor, teacher: Tensor) -> Tensor:
    """CWD."""
    samples, channels, _ = student.shape
    wanted, given = F.softmax(teacher / 4.0, dim=2), F.log_softmax(student / 4.0, dim=2)
    return (wanted * (wanted.log() - given)).sum() * 16 / (channels * samples)


def fitnet(student: Tensor, teacher: Tensor) -> Tensor:
    """FitNet."""
    return ((student - teacher) ** 2).mean()


def fgd(student: Tensor, teacher: Tensor) -> Tensor:
    """FGD, its channel part."""
    channels = student.shape[1]
    ours = channels * F.softmax(student.abs().mean(dim=2) / 0.5, dim=1)
    theirs = channels * F.softmax(teacher.abs().mean(dim=2) / 0.5, dim=1)
    root = theirs.unsqueeze(2).sqrt()
    features = ((student * root - teacher * root) ** 2).mean()
    return features + (ours - theirs).abs().mean()


def channel_distillation(student: Tensor, teacher: Tensor) -> Tensor:
    """CD."""
    return ((student.mean(dim=2) - teacher.mean(dim=2)) ** 2).mean()


def hallucination(student: Tensor, teacher: Tensor) -> Tensor:
    """Garcia's feature term."""
    return ((torch.sigmoid(student) - torch.sigmoid(teacher)) ** 2).mean()


def attention_transfer(student: Tensor, teacher: Tensor) -> Tensor:
    """AT."""
    given = F.normalize(student.pow(2).mean(dim=1))
    wanted = F.normalize(teacher.pow(2).mean(dim=1))
    return ((given - wanted) ** 2).mean()


def similarity_preserving(student: Tensor, teacher: Tensor) -> Tensor:
    """SP."""
    given, wanted = student.flatten(1), teacher.flatten(1)
    difference = F.normalize(given @ given.T) - F.normalize(wanted @ wanted.T)
    return (difference**2).sum() / len(student) ** 2


def correlation_congruence(student: Tensor, teacher: Tensor) -> Tensor:
    """CC: γ 0.4, P 2."""
    kernels = []
    for side in (student, teacher):
        cosines = F.normalize(side.mean(dim=2)) @ F.normalize(side.mean(dim=2)).T
        series = 1 + 0.8 * cosines + 0.8**2 / 2 * cosines**2
        kernels.append(torch.exp(torch.tensor(-0.8)) * series)
    return ((kernels[0] - kernels[1]) ** 2).sum() / len(student) ** 2


def relational(student: Tensor, teacher: Tensor) -> Tensor:
    """RKD."""
    distances, angles = [], []
    for side in (student.mean(dim=2), teacher.mean(dim=2)):
        apart = torch.cdist(side, side)
        distances.append(apart / apart[apart > 0].mean())
        directions = F.normalize(side.unsqueeze(0) - side.unsqueeze(1), dim=2)
        angles.append(torch.bmm(directions, directions.transpose(1, 2)))
    distance = F.smooth_l1_loss(distances[0], distances[1])
    return 25 * distance + 50 * F.smooth_l1_loss(angles[0], angles[1])


def dkd(student: Tensor, teacher: Tensor) -> Tensor:
    """DKD, the true class of every sample being the first: α 1, β 8, T 4."""
    mask = torch.zeros_like(student)
    mask[:, 0] = 1
    given, wanted = F.softmax(student / 4.0, dim=1), F.softmax(teacher / 4.0, dim=1)
    given_pair = torch.stack([(given * mask).sum(1), (given * (1 - mask)).sum(1)], dim=1)
    wanted_pair = torch.stack([(wanted * mask).sum(1), (wanted * (1 - mask)).sum(1)], dim=1)
    target = F.kl_div(given_pair.log(), wanted_pair, reduction="batchmean")
    given_rest = F.log_softmax(student / 4.0 - 1000 * mask, dim=1)
    wanted_rest = F.softmax(teacher / 4.0 - 1000 * mask, dim=1)
    return 16 * (target + 8 * F.kl_div(given_rest, wanted_rest, reduction="batchmean"))


def dist(student: Tensor, teacher: Tensor) -> Tensor:
    """DIST."""
    given, wanted = F.softmax(student, dim=1), F.softmax(teacher, dim=1)
    total = torch.zeros(())
    for left, right in ((given, wanted), (given.T, wanted.T)):
        centred = left - left.mean(1, keepdim=True), right - right.mean(1, keepdim=True)
        total = total + 1 - F.cosine_similarity(*centred).mean()
    return total


def logits(student: Tensor, teacher: Tensor) -> Tensor:
    """KD."""
    given, wanted = F.log_softmax(student / 4.0, dim=1), F.softmax(teacher / 4.0, dim=1)
    return F.kl_div(given, wanted, reduction="batchmean") * 16


PLAIN: dict[str, Writing] = {
    "correlation": correlation,
    "distribution": distribution,
    "fitnet": fitnet,
    "fgd": fgd,
    "channel_distillation": channel_distillation,
    "hallucination": hallucination,
    "attention_transfer": attention_transfer,
    "similarity_preserving": similarity_preserving,
    "correlation_congruence": correlation_congruence,
    "relational": relational,
    "dkd": dkd,
    "dist": dist,
    "logits": logits,
}
"""ickd, cwd and mars compute what correlation, distribution and channel_distillation do."""
