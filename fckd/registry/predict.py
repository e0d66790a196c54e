"""Name the action in recordings."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from fckd.data.corpus import Corpus
from fckd.data.forms import Array
from fckd.data.manifest import MANIFEST
from fckd.data.raw_file import read_raw
from fckd.data.readings import evaluation_reading
from fckd.errors import UserError
from fckd.registry.card import Card
from fckd.registry.student import Student

TOP = 5


@dataclass(frozen=True)
class Prediction:
    """What a student says about one recording.

    Attributes:
        sample: The recording, as it was named.
        action: The most probable class.
        probability: Of `action`.
        top: The most probable classes with their probabilities, in this order.
        true: The true class, where the corpus knows it.
        milliseconds: Of reading the recording, then of the network.
    """

    sample: str
    action: str
    probability: float
    top: tuple[tuple[str, float], ...]
    true: str | None
    milliseconds: tuple[float, float]


def predictions(student: Student, samples: Sequence[str], top: int = TOP) -> Iterator[Prediction]:
    """Yield what the student says about each recording, in this order.

    Args:
        student: Answers.
        samples: Raw recordings of the student's benchmark and modality (of flow: the images that
            it is computed of), folders of numbered pictures, `.npy` files in stored form, or
            `CORPUS_FOLDER/SAMPLE_ID`. They are read as the student's corpus was.
        top: So many classes at most.

    Raises:
        UserError: There is no such recording, or it does not fit.
    """
    for sample in samples:
        started = time.perf_counter()
        array, true = _find(Path(sample), student.card)
        yield ask(student, sample, array, top=top, true=true, started=started)


def ask(
    student: Student,
    sample: str,
    array: Array,
    *,
    top: int = TOP,
    true: str | None = None,
    started: float | None = None,
) -> Prediction:
    """Return what the student says about one recording in the stored form of its modality.

    Args:
        student: Answers.
        sample: How the recording is called.
        array: The recording.
        top: So many classes at most.
        true: The true class, if it is known.
        started: When reading began, by `time.perf_counter`; now if not given.

    Raises:
        UserError: The recording is not of the student's modality.
    """
    started = time.perf_counter() if started is None else started
    reading = evaluation_reading(array, student.card.network)
    read = time.perf_counter()
    probabilities = student.probabilities(reading[np.newaxis])[0]
    answered = time.perf_counter()
    order = np.argsort(-probabilities, kind="stable")[:top]
    best = tuple((student.card.classes[index], float(probabilities[index])) for index in order)
    spent = (1000 * (read - started), 1000 * (answered - read))
    return Prediction(sample, *best[0], best, true, spent)


def _find(path: Path, card: Card) -> tuple[Array, str | None]:
    modality = card.network.modality
    if (path / MANIFEST).is_file():
        raise UserError(
            f"{path} is a whole corpus",
            "one of its samples: CORPUS_FOLDER/SAMPLE_ID",
            "name a sample, or `fckd evaluate` it; `fckd inspect` shows the corpus",
        )
    if path.exists():
        return read_raw(card.source, modality, path, card.raw), None
    if not (path.parent / MANIFEST).is_file():
        raise UserError(
            f"no such recording: {path}",
            f"a recording of {card.source} ({modality}), a folder of pictures, a .npy file, or "
            "CORPUS_FOLDER/SAMPLE_ID",
            "check the path",
        )
    corpus = Corpus.open(path.parent)
    index = corpus.index_of(path.name)
    return corpus.array(index, modality), corpus.classes[int(corpus.labels[index])]
