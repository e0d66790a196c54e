"""Samples mixed in pairs (mixup, Zhang et al., ICLR 2018), each taught by both lessons.

A mixed sample is own · x + (1 − own) · x', with one share for a whole batch; every term is
own · (its value for x's label and lesson) + (1 − own) · (its value for those of x'). Of the term
`logits` that is, but for a constant, the divergence from the teachers' answers for both, mixed.

The partner x' is a sample's neighbour in the global batch, whose order is random already: the same
one however many ranks or parts share the batch.
"""

from collections.abc import Mapping

import numpy as np

from fckd.distill.objective import Term


def own_share(draw: np.random.Generator, alpha: float) -> float:
    """Return a share in [0.5, 1], from Beta(α, α) and its mirror image; 1 for an α of 0."""
    if alpha == 0:
        return 1.0
    share = draw.beta(alpha, alpha)
    return float(max(share, 1 - share))


def blended(
    terms: Mapping[str, Term], of_partners: Mapping[str, Term], own: float
) -> dict[str, Term]:
    """Return each term between its value for a sample's own lesson and for its partner's."""
    return {
        name: Term(term.weight, own * term.value + (1 - own) * of_partners[name].value)
        for name, term in terms.items()
    }
