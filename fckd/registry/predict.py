"""Name the action in one recording."""

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
from fckd.registry.student import load_student

TOP = 5


@dataclass(frozen=True)
class Prediction:
    """What a student says about one recording.

    Attributes:
        action: The most probable class.
        probability: Of `action`.
        top: Up to five classes with their probabilities, the most probable first.
        true: The true class, where the corpus knows it.
    """

    action: str
    probability: float
    top: tuple[tuple[str, float], ...]
    true: str | None


def predict(folder: Path, sample: str, *, trust_plug_in: bool = False) -> Prediction:
    """Load the student in `folder` and ask it about one recording.

    Args:
        folder: A packed or pulled student.
        sample: A raw recording of the student's benchmark and modality (of flow: the images that
            it is computed of), a folder of numbered pictures, a `.npy` file in stored form, or
            `CORPUS_FOLDER/SAMPLE_ID`. It is read as the student's corpus was.
        trust_plug_in: Whether the code of a plug-in may be imported and run.

    Raises:
        UserError: The student is damaged or an untrusted plug-in, there is no such recording, or
            it does not fit.
    """
    student = load_student(folder, trust_plug_in=trust_plug_in)
    array, true = _find(Path(sample), student.card)
    reading = evaluation_reading(array, student.card.network)
    probabilities = student.probabilities(reading[np.newaxis])[0]
    order = np.argsort(-probabilities, kind="stable")[:TOP]
    top = tuple((student.card.classes[index], float(probabilities[index])) for index in order)
    return Prediction(*top[0], top, true)


def _find(path: Path, card: Card) -> tuple[Array, str | None]:
    modality = card.network.modality
    if (path / MANIFEST).is_file():
        raise UserError(
            f"{path} is a whole corpus",
            "one of its samples: CORPUS_FOLDER/SAMPLE_ID",
            "name a sample; `fckd inspect` shows the corpus",
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
