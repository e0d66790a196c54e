"""Teachers and lessons for all trials, made on Ray before the first trial starts."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_args

import ray

from fckd.config.campaign import ExecutionSettings
from fckd.config.documents import with_fields
from fckd.config.experiment import Experiment
from fckd.config.parameters import ChoiceParameter
from fckd.config.space import Space
from fckd.events import Listener, Progress
from fckd.sweep.suggest import TEACHERS
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


@dataclass(frozen=True)
class Preparation:
    """What has to be there before the first run.

    Attributes:
        variants: Name to experiment; they may differ in teachers, views and criterion. What
            several of them need is made once.
        parts: What runs learn from.
        execution: How much a job may take.
    """

    variants: Mapping[str, Experiment]
    parts: Sequence[Part]
    execution: ExecutionSettings

    def make_teachers(self, workshop: Workshop, listener: Listener) -> None:
        """Train every teacher that is missing."""
        jobs = self._jobs("teach", workshop.teacher_folder)
        remote, streams = self._remote(teach_on_ray), {}
        for job in jobs:
            listener(Progress(job.stage, 0, _epochs(job)))
            streams[job.stage] = _start(remote, workshop, job)
        for stage, (epoch, epochs, accuracy) in _values(streams):
            detail = "" if accuracy is None else f"validation accuracy {accuracy:.3f}"
            listener(Progress(stage, epoch, epochs, detail))
        for job in jobs:
            record = workshop.teacher_record(job.experiment, job.teacher, job.part)
            accuracy = record["metrics"]["validation/accuracy"]
            detail = f"validation accuracy {accuracy:.3f}" if job.part == "train" else ""
            listener(Progress(job.stage, _epochs(job), _epochs(job), detail))

    def make_lessons(self, workshop: Workshop, listener: Listener) -> None:
        """Write all lessons that are missing; the teachers are there."""
        jobs = self._jobs("lessons", workshop.lesson_folder)
        totals = {job.stage: workshop.lesson_count(job.experiment, job.part) for job in jobs}
        remote, streams = self._remote(lessons_on_ray), {}
        for job in jobs:
            listener(Progress(job.stage, 0, totals[job.stage]))
            streams[job.stage] = _start(remote, workshop, job)
        for stage, rows in _values(streams):
            listener(Progress(stage, rows, totals[stage]))
        for job in jobs:
            listener(Progress(job.stage, totals[job.stage], totals[job.stage]))

    def _jobs(self, verb: str, folder: Callable[[Experiment, str, Part], Path]) -> list[_Job]:
        """Return one job for every folder that a variant needs, with a name of its own."""
        jobs: dict[Path, _Job] = {}
        names: set[str] = set()
        for variant, experiment in self.variants.items():
            for teacher in experiment.taught_by if experiment.needs_lessons else ():
                for part in self.parts:
                    stage = f"{verb} {teacher} ({part})"
                    if verb == "lessons":
                        stage = f"lessons {teacher} {experiment.focal.criterion} ({part})"
                    stage += f" of {variant}" if stage in names else ""
                    place = folder(experiment, teacher, part)
                    if place not in jobs:
                        jobs[place] = _Job(stage, experiment, teacher, part)
                        names.add(stage)
        return list(jobs.values())

    def _remote(self, function: Any) -> Any:
        return ray.remote(
            num_cpus=self.execution.cpus_per_worker,
            num_gpus=self.execution.gpus_per_worker,
            num_returns="streaming",
            max_retries=self.execution.retries,
        )(function)


def of_space(space: Space) -> Preparation:
    """Return what a sweep needs: its teachers, and lessons by every criterion that is searched.

    Of the experiment's own terms none need be on: the search may switch on what it likes, also a
    teacher whose weight is searched.
    """
    parameter = space.search.parameters.get(CRITERION)
    searched = parameter.choices if isinstance(parameter, ChoiceParameter) else ()
    weights = {
        name: weight
        for name, weight in space.experiment.weighting.weights.items()
        if f"{TEACHERS}{name}" not in space.search.parameters
    }
    everything = {"objective.logits.weight": 1.0, "weighting.weights": weights}
    variants = {
        criterion: with_fields(space.experiment, {**everything, CRITERION: criterion}, CRITERION)
        for criterion in [str(space.experiment.focal.criterion), *map(str, searched)]
    }
    return Preparation(variants, get_args(Part), space.execution)


def _epochs(job: _Job) -> int:
    return job.experiment.teachers[job.teacher].training.epochs


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
