"""Teachers and lessons for all trials, made on Ray before the first trial starts."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import ray

from fckd.config.campaign import ExecutionSettings
from fckd.config.documents import with_fields
from fckd.config.experiment import Experiment
from fckd.config.parameters import ChoiceParameter
from fckd.config.space import Space
from fckd.events import Listener, Progress
from fckd.sweep.account import Account, devices_of
from fckd.sweep.arms import under
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
        variants: What runs learn from, and the experiments that learn from it by name; they may
            differ in teachers, views, criterion and protocol. What several need is made once.
        execution: How much a job may take.
    """

    variants: Mapping[Part, Mapping[str, Experiment]]
    execution: ExecutionSettings

    def make_teachers(self, workshop: Workshop, listener: Listener, account: Account) -> None:
        """Train every teacher that is missing.

        Raises:
            Stopped: The budget of device-hours is spent.
        """
        jobs = self._jobs("teach", workshop.teacher_folder)
        remote, streams = self._remote(teach_on_ray), {}
        for job in jobs:
            listener(Progress(job.stage, 0, _epochs(job)))
            if not workshop.is_taught(job.experiment, job.teacher, job.part):
                streams[job.stage] = _start(remote, workshop, job)
        for stage, (epoch, epochs, accuracy) in self._values(streams, account):
            detail = "" if accuracy is None else f"validation accuracy {accuracy:.3f}"
            listener(Progress(stage, epoch, epochs, detail))
        for job in jobs:
            record = workshop.teacher_record(job.experiment, job.teacher, job.part)
            accuracy = record["metrics"]["validation/accuracy"]
            detail = f"validation accuracy {accuracy:.3f}" if job.part == "train" else ""
            listener(Progress(job.stage, _epochs(job), _epochs(job), detail))

    def make_lessons(self, workshop: Workshop, listener: Listener, account: Account) -> None:
        """Write all lessons that are missing; the teachers are there.

        Raises:
            Stopped: The budget of device-hours is spent.
        """
        jobs = self._jobs("lessons", workshop.lesson_folder)
        totals = {job.stage: workshop.lesson_count(job.experiment, job.part) for job in jobs}
        remote, streams = self._remote(lessons_on_ray), {}
        for job in jobs:
            listener(Progress(job.stage, 0, totals[job.stage]))
            if not workshop.is_written(job.experiment, job.teacher, job.part):
                streams[job.stage] = _start(remote, workshop, job)
        for stage, rows in self._values(streams, account):
            listener(Progress(stage, rows, totals[stage]))
        for job in jobs:
            listener(Progress(job.stage, totals[job.stage], totals[job.stage]))

    def _jobs(self, verb: str, folder: Callable[[Experiment, str, Part], Path]) -> list[_Job]:
        """Return one job for every folder that a variant needs, with a name of its own."""
        jobs: dict[Path, _Job] = {}
        names: set[str] = set()
        for part, variant, experiment in self._each():
            for teacher in experiment.taught_by if experiment.needs_lessons else ():
                what = f"{verb} {teacher}"
                if verb == "lessons":
                    what = f"{what} {experiment.focal.criterion}"
                stage = f"{what} ({self._where(part, experiment)})"
                stage += f" of {variant}" if stage in names else ""
                place = folder(experiment, teacher, part)
                if place not in jobs:
                    jobs[place] = _Job(stage, experiment, teacher, part)
                    names.add(stage)
        return list(jobs.values())

    def _each(self) -> Iterator[tuple[Part, str, Experiment]]:
        for part, variants in self.variants.items():
            for variant, experiment in variants.items():
                yield part, variant, experiment

    def _where(self, part: Part, experiment: Experiment) -> str:
        """Return the part; if there are several protocols, of which."""
        protocols = {each.corpus.official_protocol for _, _, each in self._each()}
        return part if len(protocols) == 1 else f"{part} of {experiment.corpus.official_protocol}"

    def _remote(self, function: Any) -> Any:
        return ray.remote(
            num_cpus=self.execution.cpus_per_worker,
            num_gpus=self.execution.gpus_per_worker,
            num_returns="streaming",
            max_retries=self.execution.retries,
        )(function)

    def _values(self, streams: dict[str, Any], account: Account) -> Iterator[tuple[str, Any]]:
        """Yield what jobs say, in any order; each holds its devices from its first word on."""
        stages = {stream: stage for stage, stream in streams.items()}
        while stages:
            ready, _ = ray.wait(list(stages), num_returns=1)
            for stream in ready:
                try:
                    value = ray.get(next(stream))
                except StopIteration:
                    account.release(stages.pop(stream))
                    continue
                account.allocate(stages[stream], devices_of(self.execution, 1))
                yield stages[stream], value
                if account.exhausted:
                    raise account.end(f"{stages[stream]} is not done")


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
    confirmed = under_each(variants, space.confirmation.protocols)
    return Preparation({"train": variants, "train+validation": confirmed}, space.execution)


def under_each(
    variants: Mapping[str, Experiment], protocols: Sequence[str]
) -> dict[str, Experiment]:
    """Return every variant under every protocol; as it is if there are none."""
    if not protocols:
        return dict(variants)
    return {
        f"{name} {protocol}": under(experiment, protocol)
        for protocol in protocols
        for name, experiment in variants.items()
    }


def _epochs(job: _Job) -> int:
    return job.experiment.teachers[job.teacher].training.epochs


def _start(remote: Any, workshop: Workshop, job: _Job) -> Any:
    described = job.experiment.model_dump(mode="json")
    folders = (workshop.address, str(workshop.corpus_folder))
    return remote.remote(*folders, described, job.teacher, job.part)
