"""What the arrays of a corpus are like: how long, of which shapes, between which values."""

from dataclasses import dataclass

import numpy as np

from fckd.config.networks import Modality
from fckd.data.coding import Coding
from fckd.data.corpus import Corpus
from fckd.data.forms import FORMS, Array

LOOKED_AT_MOST = 256
"""Samples whose values are read, evenly spread: a large corpus is not read as a whole."""


@dataclass(frozen=True)
class Ranges:
    """The arrays of one modality.

    Attributes:
        shortest: Time steps; so are `middle` (the median) and `longest`.
        shapes: Of one time step, sorted.
        low: The least of the values that were looked at; `high` the greatest.
        form: The dtype of the values.
        coding: How frames are stored; None if they lie there as in memory.
        bytes_each: Of a sample on disk, on average.
    """

    shortest: int
    middle: int
    longest: int
    shapes: tuple[tuple[int, ...], ...]
    low: float
    high: float
    form: str
    coding: Coding | None
    bytes_each: int


def ranges_of(corpus: Corpus, modality: Modality) -> Ranges:
    """Return lengths and shapes of every array, and the values of some.

    Raises:
        UserError: The corpus does not hold this modality.
    """
    shapes = corpus.shapes(modality)
    lengths = shapes[:, 0]
    count = min(len(corpus), LOOKED_AT_MOST)
    chosen = np.linspace(0, len(corpus) - 1, count).astype(int).tolist()
    ends = [_ends(corpus.array(index, modality)) for index in chosen]
    return Ranges(
        shortest=int(lengths.min()),
        middle=int(np.median(lengths)),
        longest=int(lengths.max()),
        shapes=tuple(sorted({tuple(shape) for shape in shapes[:, 1:].tolist()})),
        low=min(low for low, _ in ends),
        high=max(high for _, high in ends),
        form=FORMS[modality].dtype.name,
        coding=corpus.codings.get(modality),
        bytes_each=corpus.bytes(modality) // len(corpus),
    )


def _ends(array: Array) -> tuple[float, float]:
    return float(array.min()), float(array.max())
