"""A small space, and ledgers that do not need it."""

from typing import Any

from fckd.config.documents import merge, validate
from fckd.config.space import Space

CORRELATION = "objective.correlation.weight"
DISTRIBUTION = "objective.distribution.weight"
TEMPERATURE = "objective.distribution.temperature"
LOGITS = "objective.logits.weight"
RATIO = "focal.ratio"

HMDB51 = {"source": "hmdb51", "validation_subjects": None, "validation_share": 0.5}
"""A corpus with three protocols."""

DOCUMENT: dict[str, Any] = {
    "name": "small",
    "experiment": {
        "corpus": {"source": "synthetic", "validation_subjects": [3]},
        "student": {"modality": "rgb", "network": "video"},
        "teachers": {"skeleton": {"modality": "skeleton", "network": "temporal"}},
        "objective": {"logits": {"weight": 0.7, "temperature": 3.0}},
        "training": {"epochs": 4, "batch_size": 8},
    },
    "search": {
        "sampler": "random",
        "parameters": {
            RATIO: {"low": 0.1, "high": 1.0},
            CORRELATION: {"low": 0.1, "high": 5.0, "log": True, "may_be_off": True},
            DISTRIBUTION: {"low": 0.3, "high": 10.0, "may_be_off": True},
            TEMPERATURE: {"low": 1.0, "high": 4.0},
        },
    },
    "budget": {"trials": 4},
    "confirmation": {"seeds": 2},
}


def space(**changes: Any) -> Space:
    """Return the small space with `changes` laid over it."""
    return validate(Space, merge(DOCUMENT, changes), "the small space")


def searching(parameters: dict[str, Any], sampler: str = "random", **changes: Any) -> Space:
    """Return the small space with exactly these searched parameters.

    Without a term of the features among them it is a search alone.
    """
    search = {"sampler": sampler, "parameters": parameters}
    alone = not {CORRELATION, DISTRIBUTION} & set(parameters)
    document = merge(DOCUMENT, {"confirmation": {"finalists": 0}} if alone else {})
    return validate(Space, {**merge(document, changes), "search": search}, "the small space")
