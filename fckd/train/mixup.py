"""Samples mixed in pairs (mixup, Zhang et al., ICLR 2018), each taught by both lessons.

A mixed sample is own · x + (1 − own) · x', with one share for a whole batch; every term is
own · (its value for x's label and lesson) + (1 − own) · (its value for those of x'). Of the term
`logits` that is, but for a constant, the divergence from the teachers' answers for both, mixed.

The partner x' is a sample's neighbour among those computed together: a rank's share of the batch,
or a part of it by `micro_batch`. So other partners meet where a batch is cut otherwise, and a part
of one sample is not mixed at all.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from torch import Tensor

from fckd.distill.lesson import Lesson
from fckd.distill.objective import Term


def own_share(draw: np.random.Generator, alpha: float) -> float:
    """Return a share in [0.5, 1], from Beta(α, α) and its mirror image; 1 for an α of 0."""
    if alpha == 0:
        return 1.0
    share = draw.beta(alpha, alpha)
    return float(max(share, 1 - share))


def partners(values: Tensor) -> Tensor:
    """Return `values` (N, …) of each sample's partner."""
    return values.roll(1, dims=0)


def mixed(reading: Tensor, own: float) -> Tensor:
    """Return readings (N, …), each mixed with its partner's."""
    return reading if own == 1 else reading.lerp(partners(reading), 1 - own)


def partner_lessons(lessons: Mapping[str, Lesson]) -> dict[str, Lesson]:
    """Return the lessons that each sample's partner was given."""
    return {name: _of_partners(lesson) for name, lesson in lessons.items()}


def _of_partners(lesson: Lesson) -> Lesson:
    tensors: dict[str, Any] = {
        name: partners(value) for name, value in vars(lesson).items() if isinstance(value, Tensor)
    }
    return replace(lesson, **tensors)


def blended(
    terms: Mapping[str, Term], of_partners: Mapping[str, Term], own: float
) -> dict[str, Term]:
    """Return each term between its value for a sample's own lesson and for its partner's."""
    return {
        name: Term(term.weight, own * term.value + (1 - own) * of_partners[name].value)
        for name, term in terms.items()
    }
