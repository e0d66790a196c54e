"""Every term of the objective, callable alike: what the invariants are tested on."""

import torch

from fckd.config.objective import ObjectiveSettings
from fckd.distill.table import EMBEDDED, FOCAL, LOGITS, MERGED, RAW, TERMS
from tests.distill.maps import feature_map, normal

ON_FEATURES = (*FOCAL, *EMBEDDED, *RAW)
ON_LOGITS = (*LOGITS, *MERGED)
RELATIONS = ("similarity_preserving", "correlation_congruence", "relational")
"""Terms that are one number for the whole batch."""
PER_SAMPLE = tuple(term for term in TERMS if term not in (*RELATIONS, "dist"))
"""Terms in which a sample does not see its batch; `dist` is a value for each, but does."""

SAMPLES, CHANNELS, GRID = 4, 6, (4, 2, 3)
LABELS = torch.tensor([0, 4, 2, 2])


def sides(term, samples=SAMPLES, dtype=torch.float32, seed=1):
    """Return student and teacher as `term` reads them: feature maps on one grid, or logits."""
    if term in ON_LOGITS:
        return [normal(samples, CHANNELS, seed=seed + n, dtype=dtype) for n in (0, 1)]
    shape = (samples, CHANNELS, *GRID)
    return [feature_map(*shape, seed=seed + n, dtype=dtype) + 0.1 for n in (0, 1)]


def loss_of(term, student, teacher, labels=None, **settings):
    """Return what the module of `term` returns, under its default settings but for `settings`."""
    kind = ObjectiveSettings.model_fields[term].annotation
    module = TERMS[term](kind(weight=1, **settings))
    labels = LABELS[: len(student)] if labels is None else labels
    if term in FOCAL:
        return module(student, teacher, None)
    if term in LOGITS:
        return module(student, teacher, labels)
    if term in MERGED:
        return module(student, [teacher], torch.ones(len(student), 1))
    return module(student, teacher)


def value_of(term, student, teacher, labels=None, **settings):
    """Return the term's value, a scalar: the mean over samples."""
    return loss_of(term, student, teacher, labels, **settings).mean()
