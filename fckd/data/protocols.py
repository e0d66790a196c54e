"""Who learns, who chooses, who tests: divisions by subject."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fckd.data.corpus import Corpus
from fckd.errors import UserError

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Division:
    """Sorted sample indices; no subject is in two parts."""

    train: Indices
    validation: Indices
    test: Indices

    @property
    def official_train(self) -> Indices:
        """The benchmark's own training part: train and validation together."""
        return np.sort(np.concatenate([self.train, self.validation]))


def divide(corpus: Corpus, validation_subjects: Iterable[int]) -> Division:
    """Return the benchmark's division, with some training subjects held out for validation.

    Raises:
        UserError: A validation subject is unknown, belongs to the test, or no one is left to
            train on; or a part shows fewer than two classes.
    """
    everyone = {int(subject) for subject in corpus.subjects}
    validation = set(validation_subjects)
    _check_subjects(everyone, set(corpus.test_subjects), validation)
    tests = np.isin(corpus.subjects, sorted(corpus.test_subjects))
    validates = np.isin(corpus.subjects, sorted(validation))
    division = Division(
        train=np.flatnonzero(~tests & ~validates).astype(np.int64),
        validation=np.flatnonzero(validates).astype(np.int64),
        test=np.flatnonzero(tests).astype(np.int64),
    )
    for name in ("train", "validation", "test"):
        _check_classes(corpus, name, getattr(division, name))
    return division


def _check_subjects(everyone: set[int], tests: set[int], validation: set[int]) -> None:
    training = everyone - tests
    wrong = sorted(validation - training)
    if wrong or not validation:
        known = [subject for subject in wrong if subject in everyone]
        reason = f"{known} are test subjects" if known else "there are no such subjects"
        raise UserError(
            f"corpus.validation_subjects {sorted(validation)}"
            + (f": {reason}" if wrong else ": nobody validates"),
            f"some of the training subjects {sorted(training)}",
            "choose among them",
        )
    if validation == training:
        raise UserError(
            f"corpus.validation_subjects {sorted(validation)} are all the training subjects",
            "at least one subject left to train on",
            "leave one of them out",
        )


def _check_classes(corpus: Corpus, name: str, part: Indices) -> None:
    classes = len(np.unique(corpus.labels[part]))
    if classes < 2:
        raise UserError(
            f"the {name} part has {len(part)} samples of {classes} classes",
            "samples of at least two classes in train, validation and test",
            "hold out other subjects, or use a corpus with more of them",
        )
