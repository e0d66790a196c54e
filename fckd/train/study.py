"""Everything that one training run reads and obeys."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np

from fckd.config.experiment import (
    AnyTeacher,
    Experiment,
    FocalSettings,
    StageSettings,
    TrainingSettings,
    ViewSettings,
    WeightingSettings,
)
from fckd.config.fusion import AnyNetwork, FusionSettings
from fckd.config.networks import NetworkSettings
from fckd.config.objective import ObjectiveSettings
from fckd.data.corpus import Corpus
from fckd.data.joint_readings import JointReadings
from fckd.data.protocols import Division
from fckd.train.lessons import LessonStore

Part = Literal["train", "train+validation"]
"""What is learnt from: `train` while searching, `train+validation` to confirm."""


def samples_of(part: Part, division: Division) -> np.ndarray:
    """Return the sample indices of `part`, sorted int64. No test sample is ever among them."""
    return division.train if part == "train" else division.official_train


@dataclass(frozen=True)
class Companion:
    """A teacher that learns together with the student.

    Attributes:
        network: Which one.
        readings: What it reads.
        label_smoothing: Of its cross-entropy.
        weights: A file of pretrained weights that it begins with.
    """

    network: AnyNetwork
    readings: JointReadings
    label_smoothing: float = 0.0
    weights: Path | None = None


@dataclass(frozen=True)
class Study:
    """One network, what it learns from, who teaches it, and what it is measured on.

    Attributes:
        readings: What the network reads of each (sample, view).
        labels: (samples of the corpus,) int64.
        classes: Number of classes.
        learn: Sample indices to learn from.
        measure: Sample indices to measure on.
        split: Name of what `measure` is: `validation` or `test`.
        measure_every_epoch: False reads `measure` once, after the last epoch.
        lessons: By teacher's name; empty for a student alone.
        companions: By name the teachers that learn too, instead of lessons.
        stages: Of a student with a hallucination stream.
        weights: A file of pretrained weights that the network begins with.
    """

    network: AnyNetwork
    training: TrainingSettings
    views: ViewSettings
    readings: JointReadings
    labels: np.ndarray
    classes: int
    learn: np.ndarray
    measure: np.ndarray
    split: Literal["validation", "test"]
    measure_every_epoch: bool
    focal: FocalSettings = field(default_factory=FocalSettings)
    objective: ObjectiveSettings = field(default_factory=ObjectiveSettings)
    weighting: WeightingSettings = field(default_factory=WeightingSettings)
    lessons: Mapping[str, LessonStore] = field(default_factory=dict)
    companions: Mapping[str, Companion] = field(default_factory=dict)
    stages: StageSettings | None = None
    weights: Path | None = None


def student_study(
    experiment: Experiment,
    corpus: Corpus,
    division: Division,
    part: Part,
    readings: JointReadings,
    lessons: Mapping[str, LessonStore],
    companions: Mapping[str, Companion],
    weights: Path | None = None,
) -> Study:
    """Return the study of `experiment`'s student: on validation while searching, else on test."""
    searching = part == "train"
    return Study(
        network=experiment.student,
        training=experiment.training,
        views=experiment.views,
        readings=readings,
        labels=corpus.labels,
        classes=len(corpus.classes),
        learn=samples_of(part, division),
        measure=division.validation if searching else division.test,
        split="validation" if searching else "test",
        measure_every_epoch=searching,
        focal=experiment.focal,
        objective=experiment.objective,
        weighting=experiment.weighting,
        lessons=lessons,
        companions=companions,
        stages=experiment.stages,
        weights=weights,
    )


def teacher_study(
    teacher: AnyTeacher,
    views: ViewSettings,
    corpus: Corpus,
    division: Division,
    part: Part,
    weights: Path | None = None,
) -> Study:
    """Return the study of a teacher: a network that learns alone.

    A teacher that learns from train + validation is not measured during training; the validation
    samples that it reports on at the end are its own training samples. Its steps are graphs only if
    that was asked for: a teacher that is refused has nobody to train it again without.
    """
    network, asked = teacher_network(teacher), bool(teacher.training.cuda_graph)
    return Study(
        network=network,
        training=teacher.training.model_copy(update={"cuda_graph": asked}),
        views=views,
        readings=JointReadings.of(corpus, network, views),
        labels=corpus.labels,
        classes=len(corpus.classes),
        learn=samples_of(part, division),
        measure=division.validation,
        split="validation",
        measure_every_epoch=part == "train",
        weights=weights,
    )


def teacher_network(teacher: AnyTeacher) -> AnyNetwork:
    """Return the network of a teacher, without how it is trained."""
    settings = teacher.model_dump(exclude={"training"})
    if isinstance(teacher, FusionSettings):
        return FusionSettings(**settings)
    return NetworkSettings(**settings)
