"""What is known about a student, kept beside its weights as `card.json`."""

from typing import Annotated, Any, Final, Literal, Self

from pydantic import Field, model_validator

from fckd.config.base import Configuration
from fckd.config.corpus import Protocol, RawSettings
from fckd.config.documents import validate
from fckd.config.networks import NetworkSettings
from fckd.errors import UserError

SCHEMA_VERSION: Final = 3
READABLE = (2, SCHEMA_VERSION)
"""Version 2 lacks what has a default below."""

Share = Annotated[float, Field(ge=0, le=1)]


class Measurement(Configuration):
    """A mean over `n` seeds with its 95 % interval, as shares (0.9 is 90 %)."""

    mean: Share
    interval: tuple[float, float]
    n: int = Field(ge=1)


class OnnxFile(Configuration):
    """What is known about a student's ONNX file.

    Attributes:
        opset: Of the operations it is made of.
        max_difference: Of any probability between onnxruntime and torch, as measured.
        compared: On so many random readings.
    """

    opset: int = Field(ge=1)
    max_difference: float = Field(ge=0)
    compared: int = Field(ge=1)


class TestResult(Configuration):
    """How this very model answered on each test sample; the gate compares these in pairs."""

    __test__ = False  # the name is no test case of pytest's

    sample_ids: tuple[str, ...]
    correct: tuple[bool, ...]

    @model_validator(mode="after")
    def _one_answer_for_each_sample(self) -> Self:
        if len(self.sample_ids) != len(self.correct):
            raise ValueError(f"{len(self.sample_ids)} ids, but {len(self.correct)} answers")
        if len(set(self.sample_ids)) != len(self.sample_ids):
            raise ValueError("a sample is named twice")
        return self

    @property
    def accuracy(self) -> float:
        """Share of correct answers; 0 without samples."""
        return sum(self.correct) / max(1, len(self.correct))


class Card(Configuration):
    """The content of `card.json`.

    Attributes:
        name: Of the sweep that made the student.
        source: Benchmark; `synthetic` says that no recording of a person was involved.
        network: The architecture, and how a recording is read for it.
        input_shape: Of one reading, without the batch.
        classes: Names of the actions in the order of the outputs.
        arm: Which of the compared recipes this model is, for example `distilled` or `alone`.
        metrics: Test accuracy of each arm over its seeds.
        seed: Of this very model.
        parameters: The searched values that it was trained with.
        corpus: Fingerprint of the samples.
        raw: How they were read, and raw recordings are to be read.
        protocols: Official divisions: `metrics` are means over them, the model itself and its test
            answers are of the first.
        training_subjects: Those of the training part that it learnt from; None if from all.
        sweep: The id of the sweep.
        trial: Key of the search trial whose parameters these are.
        teachers: Teacher name -> name of its artefact, which ends with its fingerprint; or that it
            learns with the student, and leaves none.
        lessons: Teacher name -> name of the artefact with its lessons.
        git_commit: Of the code that trained it; None outside a repository.
        versions: Package -> version at training.
        run: Id of the MLflow run; None if it was not tracked.
        test: This very model's answers on the test split.
        onnx: Of its ONNX file; None without one.
        without_onnx: Why there is none.
    """

    schema_version: Literal[2, 3] = SCHEMA_VERSION
    name: str = Field(min_length=1)
    source: str = Field(min_length=1)
    network: NetworkSettings
    input_shape: tuple[Annotated[int, Field(ge=1)], ...] = Field(min_length=2, max_length=4)
    classes: tuple[str, ...] = Field(min_length=2)
    arm: str
    metrics: dict[str, Measurement]
    seed: int
    parameters: dict[str, str | int | float | bool] = Field(default_factory=dict)
    corpus: str
    raw: RawSettings
    protocols: tuple[Protocol, ...] = Field(min_length=1)
    training_subjects: tuple[int, ...] | None = None
    sweep: str = ""
    trial: str = ""
    teachers: dict[str, str] = Field(default_factory=dict)
    lessons: dict[str, str] = Field(default_factory=dict)
    git_commit: str | None = None
    versions: dict[str, str] = Field(default_factory=dict)
    run: str | None = None
    test: TestResult
    onnx: OnnxFile | None = None
    without_onnx: str = ""


def parse_card(document: Any, place: str) -> Card:
    """Return `document`, the parsed `card.json`, as a card.

    Raises:
        UserError: Not a mapping, of another schema version, or with wrong fields.
    """
    version = document.get("schema_version") if isinstance(document, dict) else None
    if version not in READABLE:
        raise UserError(
            f"{place} has the schema version {version}",
            f"version {SCHEMA_VERSION}, or {READABLE[0]} of an earlier release",
            "use the release of fckd that packed this student, or pack it again",
        )
    return validate(Card, document, place)
