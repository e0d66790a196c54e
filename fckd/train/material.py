"""What a step of training takes in: readings and stored lessons; for a GPU, made ahead of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from fckd.data.joint_readings import JointReadings
from fckd.distill.lesson import Lesson
from fckd.train.ahead import ahead, reading_threads
from fckd.train.batches import Batch, batches, divided
from fckd.train.inputs import inputs
from fckd.train.placing import placed
from fckd.train.study import Study
from fckd.train.teaching import stored_lessons
from fckd.train.world import World


@dataclass(frozen=True)
class Partners:
    """What the samples that others are mixed with are taught.

    Attributes:
        labels: (N,) int64.
        lessons: Of the frozen teachers, by name.
    """

    labels: Tensor
    lessons: Mapping[str, Lesson]


@dataclass(frozen=True)
class Material:
    """Of one part of a batch, where the student runs.

    Attributes:
        share: Of the batch that this part is.
        labels: (N,) int64.
        readings: What the student reads, a tensor for each modality; mixed already.
        others: The same for each companion.
        lessons: Of the frozen teachers, by name.
        own: How much of each reading is the sample's own, beside its partner's.
        partners: What these are taught; None for an `own` of 1.
    """

    share: float
    labels: Tensor
    readings: tuple[Tensor, ...]
    others: tuple[tuple[Tensor, ...], ...]
    lessons: Mapping[str, Lesson]
    own: float
    partners: Partners | None


def materials(
    study: Study, epoch: int, world: World, device: torch.device, *, taught: bool
) -> Iterator[list[Material]]:
    """Yield the parts of every batch of this rank.

    Args:
        study: What is read, and the size of the parts.
        epoch: Counted from 1.
        world: Its rank's share is read.
        device: Where the student runs.
        taught: Whether stored lessons are read too.
    """

    def make(batch: Batch) -> list[Material]:
        parts = divided(batch, study.training.micro_batch)
        whole = len(batch.samples)
        return [_material(study, part, whole, device, taught=taught) for part in parts]

    return ahead(batches(study, epoch, world), make, reading_threads(device))


def _material(
    study: Study, part: Batch, whole: int, device: torch.device, *, taught: bool
) -> Material:
    def read(readings: JointReadings, batch: Batch) -> tuple[Tensor, ...]:
        return inputs(readings, batch.samples, batch.views, device)

    def labels(batch: Batch) -> Tensor:
        return placed(study.labels[batch.samples], device)

    def lessons(batch: Batch) -> dict[str, Lesson]:
        return stored_lessons(study, batch, device) if taught else {}

    readings, partners = read(study.readings, part), None
    if part.partners is not None:
        others = read(study.readings, part.partners)
        readings = tuple(x.lerp(y, 1 - part.own) for x, y in zip(readings, others, strict=True))
        partners = Partners(labels(part.partners), lessons(part.partners))
    return Material(
        len(part.samples) / whole,
        labels(part),
        readings,
        tuple(read(companion.readings, part) for companion in study.companions.values()),
        lessons(part),
        part.own,
        partners,
    )
