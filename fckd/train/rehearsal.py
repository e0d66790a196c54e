"""What training one network takes, measured on a few real batches; nothing is kept.

Lessons may not exist yet: a teacher with fresh weights makes some, which are as large and as dear
to make and to read as those of a trained one.
"""

import statistics
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from fckd.config.experiment import Experiment, StageSettings
from fckd.data.cores import cores
from fckd.data.joint_readings import JointReadings
from fckd.files import make_folder
from fckd.models.fusion.table import build_any_network
from fckd.train.ahead import ahead, reading_threads
from fckd.train.batches import batches_per_epoch
from fckd.train.cost import student_cost
from fckd.train.evaluation import BATCH, evaluate
from fckd.train.lesson_blocks import LessonBlocks
from fckd.train.lesson_making import LessonMaker
from fckd.train.lessons import LessonStore
from fckd.train.loop import distill
from fckd.train.peak_memory import peak_of
from fckd.train.study import Study, teacher_network, teacher_study
from fckd.train.teachers import Teacher
from fckd.train.workshop import Workshop
from fckd.train.world import World

STEPS = 4
"""Of an epoch that is timed."""
SECONDS = 2.0
"""Are spent on timed epochs, but for the last one."""
READINGS = 32
"""That are made of the corpus to time it."""
PASSES = 4
"""Over the samples that are measured, to time it."""
EPOCHS = 50
"""Are timed at most."""
UNTIMED = 2
"""Epochs that read what is not in memory yet, count memory, and pass the stages' first one."""


@dataclass(frozen=True)
class Rehearsal:
    """What one network's training takes on this device, in one process.

    Attributes:
        seconds: Of an optimiser step, its readings being in memory, on this machine as busy as it
            is: the mean over the epochs that were timed.
        step_bytes: That a step holds at its peak: see `peak_of`.
        evaluation_seconds: Of one sample, its reading being in memory.
        reading_seconds: Of one reading that is made of the corpus.
        reading_bytes: That it takes in memory from then on.
        ending_seconds: Of measuring what a finished student costs whoever uses it.
        weights_bytes: Of the network alone, as it is kept.
    """

    seconds: float
    step_bytes: int
    evaluation_seconds: float
    reading_seconds: float
    reading_bytes: int
    ending_seconds: float
    weights_bytes: int


@dataclass(frozen=True)
class LessonRehearsal:
    """What one row of a teacher's lessons takes: seconds to read, infer and write; bytes kept."""

    seconds: float
    bytes: int


def rehearse_teacher(workshop: Workshop, experiment: Experiment, name: str) -> Rehearsal:
    """Measure the training of the teacher `name`, by itself.

    Raises:
        UserError: It does not fit the corpus.
        TrainingError: It breaks down.
    """
    division = workshop.division(experiment)
    teacher = experiment.teachers[name]
    study = teacher_study(teacher, experiment.views, workshop.corpus, division, "train")
    return _rehearse(study, workshop, 1)


def rehearse_student(workshop: Workshop, experiment: Experiment, workers: int) -> Rehearsal:
    """Measure the student's training by its whole objective, with made-up lessons.

    Args:
        workshop: With the corpus.
        experiment: Who is taught by whom.
        workers: That share a batch; one of them is measured, without their exchange of gradients.

    Raises:
        UserError: A network does not fit the corpus.
        TrainingError: The training breaks down; a term teaches nothing.
    """
    names = experiment.taught_by if experiment.needs_lessons else ()
    with TemporaryDirectory() as scratch:
        stores = {
            name: _make_up_lessons(workshop, experiment, name, Path(scratch) / name)[0]
            for name in names
        }
        return _rehearse(workshop.study(experiment, "train", stores), workshop, workers)


def rehearse_lessons(workshop: Workshop, experiment: Experiment, name: str) -> LessonRehearsal:
    """Measure what lessons of the teacher `name` take.

    Raises:
        UserError: The teacher does not fit the corpus, or the criterion does not fit the teacher.
    """
    with TemporaryDirectory() as scratch:
        return _make_up_lessons(workshop, experiment, name, Path(scratch) / name)[1]


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Compute with so many threads in the block, as a worker does; with no more than cores."""
    before = torch.get_num_threads()
    torch.set_num_threads(min(count, cores()))
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _rehearse(study: Study, workshop: Workshop, workers: int) -> Rehearsal:
    device = workshop.device
    short = _short(study, workers)
    reading_seconds = _seconds_a_reading(study, workshop)
    run = distill(short, device)
    with peak_of(device) as peak:
        *_, last = islice(run, UNTIMED)
    epochs: list[float] = []
    for last in run:
        epochs.append(last.metrics["seconds"])
        if sum(epochs) > SECONDS:
            break
    few = replace(short, measure=study.measure[:BATCH])
    network = last.network
    evaluate(network, few, device, World())
    evaluation = _seconds(lambda: [evaluate(network, few, device, World()) for _ in range(PASSES)])
    return Rehearsal(
        seconds=statistics.mean(epochs) / batches_per_epoch(short),
        step_bytes=peak.bytes,
        evaluation_seconds=evaluation / PASSES / len(few.measure),
        reading_seconds=reading_seconds,
        reading_bytes=study.readings.bytes_each,
        ending_seconds=_seconds(lambda: student_cost(network, study.readings.shapes)),
        weights_bytes=sum(value.nbytes for value in network.state_dict().values()),
    )


def _short(study: Study, workers: int) -> Study:
    """Return the study of a few batches, each of one worker's share, under one view."""
    training = study.training
    share = max(1, training.batch_size // workers)
    staged = study.stages is not None
    return replace(
        study,
        learn=study.learn[: STEPS * share],
        views=study.views.model_copy(update={"count": 1}),
        training=training.model_copy(
            update={
                "batch_size": share,
                "epochs": UNTIMED + EPOCHS,
                "cuda_graph": training.cuda_graph if workers == 1 else False,
                # Minutes of compiling for a few steps; nor does torch compile while memory is seen.
                "compile": False,
            }
        ),
        # Teachers teach in the second stage, which is the dearest.
        stages=StageSettings(own=1, hallucination=UNTIMED + EPOCHS) if staged else None,
        measure_every_epoch=False,
    )


def _seconds_a_reading(study: Study, workshop: Workshop) -> float:
    """Time readings that no memory holds, made by as many threads as read for the device."""
    fresh = JointReadings.of(workshop.corpus, study.network, study.views)
    samples = study.learn[:READINGS]
    pairs = [(samples[place : place + 1], np.ones(1, np.int64)) for place in range(len(samples))]
    read = ahead(pairs, lambda pair: fresh.kept(*pair), reading_threads(workshop.device))
    return _seconds(lambda: list(read)) / len(samples)


def _make_up_lessons(
    workshop: Workshop, experiment: Experiment, name: str, folder: Path
) -> tuple[LessonStore, LessonRehearsal]:
    """Write lessons of the samples that a rehearsal learns from, each under one view."""
    samples = workshop.division(experiment).train[: STEPS * experiment.training.batch_size]
    settings, corpus = experiment.teachers[name], workshop.corpus
    readings = JointReadings.of(corpus, settings, experiment.views)
    network = build_any_network(teacher_network(settings), readings.shapes, len(corpus.classes))
    network.requires_grad_(requires_grad=False)
    maker = LessonMaker(
        Teacher(network.eval().to(workshop.device), settings),
        readings,
        corpus.labels,
        samples,
        views=1,
        criterion=experiment.focal.criterion,
        device=workshop.device,
    )
    key: Mapping[str, str] = {"made up": name}

    def write() -> None:
        make_folder(folder.parent)
        blocks = LessonBlocks(folder, maker.shape, maker.blocks())
        for _ in blocks.fill(maker.rows):
            pass
        blocks.close(key, samples.tolist(), views=1)

    seconds = _seconds(write)
    size = sum(path.stat().st_size for path in folder.glob("*.arrow"))
    taken = LessonRehearsal(seconds / len(samples), size // len(samples))
    return LessonStore(folder, key), taken


def _seconds(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun
