"""How often a student is right on a corpus, and what it takes for what."""

import csv
import io
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

from fckd.config.networks import NetworkSettings
from fckd.data.corpus import Corpus
from fckd.data.readings import evaluation_reading
from fckd.errors import UserError
from fckd.files import write_bytes
from fckd.registry.student import BATCH, Student

RECORD = "evaluations.jsonl"
ALL = "all"


@dataclass(frozen=True)
class Measured:
    """What was found on one split.

    Attributes:
        corpus: Fingerprint.
        split: `test`, `train` or `all`.
        protocol: The official division.
        samples: How many.
        correct: Of them.
        interval: 95 % Wilson interval of the share of correct answers, over samples.
        confusion: (classes, classes) counts; a row is a true class, a column a predicted one, in
            the order of the student's classes.
    """

    corpus: str
    split: str
    protocol: str
    samples: int
    correct: int
    interval: tuple[float, float]
    confusion: NDArray[np.int64]

    @property
    def accuracy(self) -> float:
        """Share of correct answers."""
        return self.correct / self.samples


def evaluate(
    student: Student, corpus: Corpus, split: str = "test", protocol: str | None = None
) -> Measured:
    """Ask the student about every sample of a split, in the evaluation view.

    Args:
        student: Answers.
        corpus: Any corpus whose classes the student knows, by their names.
        split: `test`, `train` or `all`.
        protocol: The official division; if not given, the student's own, or where the corpus does
            not know that, its first.

    Raises:
        UserError: A class that the student does not know, no such split or protocol, no sample in
            it, or another modality.
    """
    known = {name: place for place, name in enumerate(student.card.classes)}
    strange = sorted(set(corpus.classes) - known.keys())
    if strange:
        raise UserError(
            f"the corpus {corpus.folder} has {len(strange)} actions that the student does not "
            f"know, first {strange[0]}",
            f"some of: {', '.join(student.card.classes)}",
            "evaluate it on a corpus of the same actions",
        )
    division = protocol or _own_division(student, corpus)
    samples = _samples(corpus, split, division)
    true = np.array([known[corpus.classes[label]] for label in corpus.labels[samples]])
    said = _said(student, corpus, samples)
    classes = len(known)
    counts = np.bincount(true * classes + said, minlength=classes**2).reshape(classes, classes)
    correct = int((true == said).sum())
    low, high = binomtest(correct, len(samples)).proportion_ci(method="wilson")
    return Measured(corpus.fingerprint, split, division, len(samples), correct, (low, high), counts)


def write_confusion(path: Path, classes: tuple[str, ...], found: Measured) -> None:
    """Write the confusion table as CSV: rows are true classes, columns what was said."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["true", *classes])
    for name, row in zip(classes, found.confusion.tolist(), strict=True):
        writer.writerow([name, *row])
    write_bytes(path, text.getvalue().encode())


def record_file(folder: Path) -> Path:
    """Return the file beside the student's folder in which what is measured of it is recorded.

    Raises:
        UserError: It cannot be written.
    """
    folder = folder.resolve()
    path = folder.parent / f"{folder.name}.{RECORD}"
    try:
        path.open("a").close()
    except OSError as refusal:
        raise UserError(
            f"cannot write to {path}: {refusal.strerror}",
            "a folder that this user may write to",
            "copy the student elsewhere",
        ) from refusal
    return path


def record(folder: Path, found: Measured) -> Path:
    """Append what was measured to the student's `record_file`, and return that.

    A test split that is read often is one that something may be chosen by: here it is counted.

    Raises:
        UserError: The place cannot be written.
    """
    path = record_file(folder)
    entry = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "corpus": found.corpus,
        "protocol": found.protocol,
        "split": found.split,
        "samples": found.samples,
        "correct": found.correct,
    }
    with path.open("a", encoding="utf-8") as stream:
        stream.write(json.dumps(entry) + "\n")
    return path


def _own_division(student: Student, corpus: Corpus) -> str:
    # Under another one the test part may be what the student has learnt from.
    own = student.card.protocols[0]
    return own if own in corpus.protocols else corpus.protocols[0]


def _samples(corpus: Corpus, split: str, protocol: str) -> NDArray[np.int64]:
    splits = corpus.splits(protocol)
    samples = np.arange(len(corpus)) if split == ALL else np.flatnonzero(splits == split)
    if not len(samples):
        raise UserError(
            f"no sample of the split {split!r} in {corpus.folder} ({protocol})",
            f"one of {', '.join(sorted(set(splits.tolist())))}, {ALL}",
            "choose another --split",
        )
    return samples


def _said(student: Student, corpus: Corpus, samples: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the most probable class of each sample."""
    network: NetworkSettings = student.card.network
    said = []
    for start in range(0, len(samples), BATCH):
        batch = np.stack(
            [
                evaluation_reading(corpus.array(int(index), network.modality), network)
                for index in samples[start : start + BATCH]
            ]
        )
        said.append(student.probabilities(batch).argmax(axis=1))
    return np.concatenate(said)
