"""What training shows of the transfer, epoch by epoch: agreement, overlap, and gradient shares."""

from collections.abc import Mapping

import torch
from torch import Tensor

from fckd.distill.focal import descending
from fckd.distill.lesson import Lesson
from fckd.distill.objective import Answer


@torch.no_grad()
def sight(answer: Answer, lessons: Mapping[str, Lesson], *, focal: bool) -> dict[str, Tensor]:
    """Return how near the student is to each teacher on a batch, as means over samples.

    Args:
        answer: The student's.
        lessons: By teacher; none where nobody teaches.
        focal: Whether a term reads the focal channels.

    Returns:
        Scalars in [0, 1]: `agreement/TEACHER`, the share of samples in which both name the same
        class; and if `focal`, `overlap/TEACHER`, the share of the teacher's K focal channels among
        the K channels of greatest magnitude of the student embedded. Where all channels are focal
        there is no overlap to tell of.
    """
    found = {}
    for name, lesson in lessons.items():
        same = answer.logits.argmax(dim=1) == lesson.logits.argmax(dim=1)
        found[f"agreement/{name}"] = same.float().mean()
        if focal and lesson.focal < answer.embedded[name].shape[1]:
            _, channels = lesson.focal_part()
            found[f"overlap/{name}"] = focal_overlap(answer.embedded[name], channels).mean()
    return found


def focal_overlap(features: Tensor, channels: Tensor) -> Tensor:
    """Return the share of `channels` among the K channels of greatest mean |F|.

    Args:
        features: (N, C, *grid).
        channels: (N, K) int64, a teacher's focal channels.

    Returns:
        (N,) float in [0, 1]; K / C is expected of channels drawn at random.
    """
    magnitude = features.flatten(2).abs().mean(dim=2)
    own = descending(magnitude)[:, : channels.shape[1]]
    wanted = torch.zeros_like(magnitude).scatter(1, channels, 1.0)
    return wanted.gather(1, own).mean(dim=1)


def gradient_shares(norms: Mapping[str, float]) -> dict[str, float]:
    """Return `share/TERM`, the share of each term's gradient norm in their sum, from `norms`."""
    # Every gradient may underflow to 0 in a student that has learnt its samples by heart.
    whole = sum(norms.values()) or 1.0
    return {f"share/{term}": norm / whole for term, norm in norms.items()}
