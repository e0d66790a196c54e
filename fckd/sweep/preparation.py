"""Teachers and lessons for all trials, made on Ray before the first trial starts."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import ray

from fckd.config.documents import with_fields
from fckd.config.experiment import Experiment
from fckd.config.space import ChoiceParameter, Space
from fckd.events import Listener, Progress
from fckd.train.ray_workers import lessons_on_ray, teach_on_ray
from fckd.train.study import Part
from fckd.train.workshop import Workshop

CRITERION = "focal.criterion"


@dataclass(frozen=True)
class _Job:
    stage: str
    experiment: Experiment
    teacher: str
    part: Part


def make_teachers(space: Space, workshop: Workshop, listener: Listener) -> None:
    """Train every teacher on train (for the search) and on train + validation (to confirm)."""
    jobs = [
        _Job(f"teach {name} ({part})", space.experiment, name, part)
        for name in space.experiment.teachers
        for part in get_args(Part)
    ]
    remote = _remote(teach_on_ray, space)
    streams = {}
    for job in jobs:
        listener(Progress(job.stage, 0, job.experiment.teachers[job.teacher].training.epochs))
        streams[job.stage] = _start(remote, workshop, job)
    for stage, (epoch, epochs, accuracy) in _values(streams):
        detail = "" if accuracy is None else f"validation accuracy {accuracy:.3f}"
        listener(Progress(stage, epoch, epochs, detail))
    for job in jobs:
        epochs = job.experiment.teachers[job.teacher].training.epochs
        record = workshop.teacher_record(job.experiment, job.teacher, job.part)
        accuracy = record["metrics"]["validation/accuracy"]
        detail = f"validation accuracy {accuracy:.3f}" if job.part == "train" else ""
        listener(Progress(job.stage, epochs, epochs, detail))


def make_lessons(space: Space, workshop: Workshop, listener: Listener) -> None:
    """Make the lessons of every teacher, part and criterion that a trial may ask for."""
    jobs = [
        _Job(f"lessons {name} {criterion} ({part})", experiment, name, part)
        for criterion, experiment in _by_criterion(space)
        for name in space.experiment.teachers
        for part in get_args(Part)
    ]
    remote = _remote(lessons_on_ray, space)
    totals = {job.stage: workshop.lesson_count(job.experiment, job.part) for job in jobs}
    streams = {}
    for job in jobs:
        listener(Progress(job.stage, 0, totals[job.stage]))
        streams[job.stage] = _start(remote, workshop, job)
    for stage, rows in _values(streams):
        listener(Progress(stage, rows, totals[stage]))
    for job in jobs:
        listener(Progress(job.stage, totals[job.stage], totals[job.stage]))


def _by_criterion(space: Space) -> Iterator[tuple[str, Experiment]]:
    parameter = space.search.parameters.get(CRITERION)
    searched = parameter.choices if isinstance(parameter, ChoiceParameter) else ()
    for criterion in dict.fromkeys([str(space.experiment.focal.criterion), *map(str, searched)]):
        yield criterion, with_fields(space.experiment, {CRITERION: criterion}, CRITERION)


def _remote(function: Any, space: Space) -> Any:
    execution = space.execution
    return ray.remote(
        num_cpus=execution.cpus_per_worker,
        num_gpus=execution.gpus_per_worker,
        num_returns="streaming",
        max_retries=execution.retries,
    )(function)


def _start(remote: Any, workshop: Workshop, job: _Job) -> Any:
    described = job.experiment.model_dump(mode="json")
    folders = (str(Path(workshop.storage)), str(workshop.corpus_folder))
    return remote.remote(*folders, described, job.teacher, job.part)


def _values(streams: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    stages = {stream: stage for stage, stream in streams.items()}
    while stages:
        ready, _ = ray.wait(list(stages), num_returns=1)
        for stream in ready:
            try:
                yield stages[stream], ray.get(next(stream))
            except StopIteration:
                del stages[stream]
