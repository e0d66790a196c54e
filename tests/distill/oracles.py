"""The losses by other hands: torchdistill's, and plain writings of the papers' formulas.

Each takes student, teacher and labels and returns the value under our default settings and with
our reduction; where theirs is another, the exact factor stands in its line. Feature maps are
(N, C, *grid) on one grid, logits (N, classes).

The plain writings are ours, made for the losses that torchdistill has not: loops over samples and
channels that follow the paper's sums, sharing no line with the package.
"""

import math

import torch
from torch.nn import functional as F
from torchdistill.losses import mid_level  # installed by `make install`


def _outputs(values):
    return {"map": {"output": values}}


def _theirs(loss, student, teacher):
    return loss(_outputs(student), _outputs(teacher))


PAIR = {"pair": {side: {"path": "map", "io": "output"} for side in ("student", "teacher")}}


def kd(student, teacher, labels, temperature=4.0):
    """torchdistill's KDLoss with no cross-entropy; theirs then leaves T² out."""
    loss = mid_level.KDLoss("map", "output", "map", "output", temperature, alpha=0)
    return temperature**2 * _theirs(loss, student, teacher)


def dist(student, teacher, labels):
    """torchdistill's DISTLoss: the same reduction."""
    loss = mid_level.DISTLoss("map", "output", "map", "output", beta=1.0, gamma=1.0, tau=1.0)
    return _theirs(loss, student, teacher)


def ickd(student, teacher, labels):
    """torchdistill's ChSimLoss: theirs is Σ / (C·N²), ours Σ / (C·N)."""
    return len(student) * _theirs(mid_level.ChSimLoss(PAIR), student, teacher)


def attention_transfer(student, teacher, labels):
    """torchdistill's ATLoss after the authors' code: the same reduction."""
    return _theirs(mid_level.ATLoss(PAIR, mode="code"), student, teacher)


def correlation_congruence(student, teacher, labels):
    """torchdistill's CCKDLoss on unit vectors: theirs is ‖·‖ / N², ours ‖·‖² / N²."""
    kernel = {"type": "gaussian", "gamma": 0.4, "max_p": 2}
    loss = mid_level.CCKDLoss("map", "map", kernel, reduction="batchmean")
    vectors = [F.normalize(side.flatten(2).mean(dim=2)) for side in (student, teacher)]
    return (len(student) * _theirs(loss, *vectors)) ** 2


def relational(student, teacher, labels):
    """torchdistill's RKDLoss on the channels' means: the same reduction."""
    loss = mid_level.RKDLoss("map", "map", 25.0, 50.0, reduction="mean")
    return _theirs(loss, *(side.flatten(2).mean(dim=2) for side in (student, teacher)))


def similarity_preserving(student, teacher, labels):
    """Plain, on torchdistill's Gram matrix.

    Its SPKDLoss normalises rows by their L1 norm (it hands p = 1 to `normalize`), the paper by the
    L2 norm; the L2 direction of a row is the same before and after.
    """
    loss = mid_level.SPKDLoss("map", "map", reduction="batchmean")
    ours, theirs = (F.normalize(loss.matmul_and_normalize(side)) for side in (student, teacher))
    return (ours - theirs).norm() ** 2 / len(student) ** 2


def cwd(student, teacher, labels, temperature=4.0):
    """Plain: τ² / (N·C) Σ_n Σ_c Σ_p φ(t) log(φ(t) / φ(s)), φ the softmax over positions."""
    total = 0.0
    for s_map, t_map in _pairs(student, teacher):
        for s, t in zip(s_map, t_map, strict=True):
            total += _divergence(_softmax(t / temperature), _softmax(s / temperature))
    return temperature**2 * total / (student.shape[0] * student.shape[1])


def dkd(student, teacher, labels, temperature=4.0, target=1.0, non_target=8.0):
    """Plain: T² / N Σ_n α KL((p_y, 1 - p_y)) + β KL(p_k / (1 - p_y), k ≠ y)."""
    total = 0.0
    for s, t, label in zip(student, teacher, labels.tolist(), strict=True):
        probabilities = [_softmax(side / temperature) for side in (t, s)]
        pairs = [torch.stack([p[label], 1 - p[label]]) for p in probabilities]
        others = [
            torch.stack([p[k] / (1 - p[label]) for k in range(len(p)) if k != label])
            for p in probabilities
        ]
        total += target * _divergence(*pairs) + non_target * _divergence(*others)
    return temperature**2 * total / len(student)


def fgd(student, teacher, labels, temperature=0.5, attention=1.0):
    """Plain: Σ A_t (t - s)² / (N·C·P) + γ Σ |A_s - A_t| / (N·C); the paper has the sums / N."""
    features, attentions = 0.0, 0.0
    samples, channels = student.shape[:2]
    for s_map, t_map in _pairs(student, teacher):
        ours, theirs = (
            channels * _softmax(torch.stack([f.abs().mean() for f in side]) / temperature)
            for side in (s_map, t_map)
        )
        for c in range(channels):
            features += float(theirs[c] * ((t_map[c] - s_map[c]) ** 2).sum())
            attentions += float((ours[c] - theirs[c]).abs())
    positions = s_map.shape[1]
    return features / (samples * channels * positions) + attention * attentions / (
        samples * channels
    )


def channel_distillation(student, teacher, labels):
    """Plain: Σ_n Σ_c (mean of t - mean of s)² / (N·C)."""
    total = sum(
        (float(t.mean()) - float(s.mean())) ** 2
        for s_map, t_map in _pairs(student, teacher)
        for s, t in zip(s_map, t_map, strict=True)
    )
    return total / (student.shape[0] * student.shape[1])


def fitnet(student, teacher, labels):
    """Plain: Σ (s - t)² / (N·C·P); the paper has ½ Σ for one sample."""
    entries = zip(student.flatten().tolist(), teacher.flatten().tolist(), strict=True)
    return sum((s - t) ** 2 for s, t in entries) / student.numel()


def hallucination(student, teacher, labels):
    """Plain: Σ (σ(s) - σ(t))² / (N·C·P); the authors' code has the sum."""
    entries = zip(student.flatten().tolist(), teacher.flatten().tolist(), strict=True)
    return sum((_sigmoid(s) - _sigmoid(t)) ** 2 for s, t in entries) / student.numel()


TORCHDISTILL = {
    "correlation": ickd,
    "ickd": ickd,
    "attention_transfer": attention_transfer,
    "correlation_congruence": correlation_congruence,
    "relational": relational,
    "dist": dist,
    "logits": kd,
}
PLAIN = {
    "distribution": cwd,
    "cwd": cwd,
    "fitnet": fitnet,
    "fgd": fgd,
    "channel_distillation": channel_distillation,
    "mars": channel_distillation,
    "hallucination": hallucination,
    "similarity_preserving": similarity_preserving,
    "dkd": dkd,
}
ORACLES = {**TORCHDISTILL, **PLAIN}


def _pairs(student, teacher):
    """Yield (C, P) of both sides, sample by sample."""
    return zip(student.flatten(2), teacher.flatten(2), strict=True)


def _softmax(values):
    powers = torch.stack([value.exp() for value in values])
    return powers / powers.sum()


def _divergence(wanted, given):
    return sum(float(t) * math.log(float(t) / float(s)) for t, s in zip(wanted, given, strict=True))


def _sigmoid(value):
    return 1 / (1 + math.exp(-value))
