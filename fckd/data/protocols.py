"""Who learns, who chooses, who tests: a benchmark's official division, validation held out."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fckd.config.corpus import CorpusSettings
from fckd.data.corpus import Corpus
from fckd.data.validation import held_out, used
from fckd.errors import UserError

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Division:
    """Sorted sample indices; no sample is in two parts."""

    train: Indices
    validation: Indices
    test: Indices

    @property
    def official_train(self) -> Indices:
        """The benchmark's own training part, or what is used of it: train and validation."""
        return np.sort(np.concatenate([self.train, self.validation]))


def divide(corpus: Corpus, settings: CorpusSettings) -> Division:
    """Return the official division by the protocol of `settings`, with validation held out.

    Of the training part only the training subjects of `settings` are used, if it names some.

    Raises:
        UserError: The corpus does not know the protocol; who should train or validate is unknown or
            belongs to the test, or no one is left to train on; or a part shows fewer than two
            classes.
    """
    splits = used(corpus, settings, corpus.splits(settings.official_protocol))
    validates = held_out(corpus, settings, splits)
    division = Division(
        train=_places((splits == "train") & ~validates),
        validation=_places(validates),
        test=_places(splits == "test"),
    )
    for name in ("train", "validation", "test"):
        _check_classes(corpus, name, getattr(division, name))
    return division


def _places(chosen: NDArray[np.bool_]) -> Indices:
    return np.flatnonzero(chosen).astype(np.int64)


def _check_classes(corpus: Corpus, name: str, part: Indices) -> None:
    classes = len(np.unique(corpus.labels[part]))
    if classes < 2:
        raise UserError(
            f"the {name} part has {len(part)} samples of {classes} classes",
            "samples of at least two classes in train, validation and test",
            "hold out others for validation, or use a corpus with more of them",
        )
