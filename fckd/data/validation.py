"""Who of the training part is used, and validates: subjects, cameras, or a share of the groups."""

import hashlib

import numpy as np
from numpy.typing import NDArray

from fckd.config.corpus import CorpusSettings
from fckd.data.corpus import Corpus
from fckd.errors import UserError

Mask = NDArray[np.bool_]
Splits = NDArray[np.str_]


def used(corpus: Corpus, settings: CorpusSettings, splits: Splits) -> Splits:
    """Return `splits` with `unused` for training samples of other than the training subjects.

    Args:
        corpus: Knows the subject of every sample.
        settings: May name training subjects.
        splits: (N,) `train`, `test` or `unused` by the benchmark's protocol.

    Raises:
        UserError: One of them is not there, or only tests.
    """
    wanted = settings.training_subjects
    if wanted is None:
        return splits
    _check_known("training_subjects", wanted, corpus.subjects, splits)
    left_out = (splits == "train") & ~np.isin(corpus.subjects, wanted)
    return np.where(left_out, "unused", splits)


def held_out(corpus: Corpus, settings: CorpusSettings, splits: Splits) -> Mask:
    """Return which samples validate: (N,) bool, true for training samples only.

    Args:
        corpus: Knows subject, camera and group of every sample.
        settings: Holds exactly one rule of validation.
        splits: (N,) `train`, `test` or `unused` by the benchmark's protocol.

    Raises:
        UserError: The rule names who is not there, only tests, or is all who train.
    """
    if settings.validation_subjects is not None:
        return _numbered("subjects", settings.validation_subjects, corpus.subjects, splits)
    if settings.validation_cameras is not None:
        return _numbered("cameras", settings.validation_cameras, corpus.cameras, splits)
    # the settings hold exactly one rule: a share of 0 cannot be
    return _share(settings.validation_share or 0, corpus.groups, splits)


def _numbered(
    kind: str, wanted: tuple[int, ...], numbers: NDArray[np.int64], splits: Splits
) -> Mask:
    """Hold out every training sample whose number is wanted."""
    training = _check_known(f"validation_{kind}", wanted, numbers, splits)
    if set(wanted) == training:
        raise UserError(
            f"corpus.validation_{kind} {sorted(set(wanted))} are all the training {kind}",
            f"at least one of the {kind} left to train on",
            "leave one of them out, or hold out by another rule",
        )
    held: Mask = np.isin(numbers, wanted) & (splits == "train")
    return held


def _check_known(
    field: str, wanted: tuple[int, ...], numbers: NDArray[np.int64], splits: Splits
) -> set[int]:
    """Return the numbers of the training part, among which all wanted ones must be."""
    kind = field.split("_")[1]
    training, tests = (set(numbers[splits == part].tolist()) for part in ("train", "test"))
    wrong = sorted(set(wanted) - training)
    if wrong:
        known = [number for number in wrong if number in tests]
        raise UserError(
            f"corpus.{field} {sorted(set(wanted))}: "
            + (f"{known} are test {kind}" if known else f"there are no such {kind}"),
            f"some of the training {kind} {sorted(training)}",
            "choose among them",
        )
    return training


def _share(share: float, groups: NDArray[np.str_], splits: Splits) -> Mask:
    """Hold out whole groups, in an order that their names alone decide."""
    training = sorted(set(groups[splits == "train"].tolist()), key=_drawn)
    if len(training) < 2:
        raise UserError(
            f"corpus.validation_share {share} of {len(training)} group of training samples",
            "at least two groups",
            "hold out by another rule",
        )
    count = min(max(round(share * len(training)), 1), len(training) - 1)
    held: Mask = np.isin(groups, training[:count]) & (splits == "train")
    return held


def _drawn(group: str) -> bytes:
    return hashlib.sha256(group.encode()).digest()
