"""Teachers and lessons for all trials, made on Ray before the first trial starts."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import ray
import ray.exceptions

from fckd.config.campaign import ExecutionSettings
from fckd.errors import TrainingError, UserError
from fckd.events import Listener, Progress
from fckd.files import is_full
from fckd.sweep.account import devices_of
from fckd.sweep.leader import Leader
from fckd.sweep.needs import Job, Variants, jobs
from fckd.train.ray_workers import lessons_on_ray, teach_on_ray
from fckd.train.workshop import Workshop

HELPER = ", helper"
LOOK_SECONDS = 1.0
ROWS_A_PROCESS = 4096
"""Lessons for which it is worth while to start a process: on a GPU they take a second."""


@dataclass(frozen=True)
class Preparation:
    """What has to be there before the first run.

    Attributes:
        variants: What runs learn from.
        execution: How much a job may take.
    """

    variants: Variants
    execution: ExecutionSettings

    def make_teachers(self, workshop: Workshop, listener: Listener, leader: Leader) -> None:
        """Train every teacher that is missing.

        Raises:
            Stopped: The budget of device-hours is spent, or the driver was asked to end.
            TrainingError: A teacher cannot be trained.
            OSError: The storage takes no more.
        """
        needed = jobs(self.variants, "teach", workshop.teacher_folder)
        remote, streams = self._remote(teach_on_ray), {}
        for job in needed:
            listener(Progress(job.stage, 0, _epochs(job)))
            if not workshop.is_taught(job.experiment, job.teacher, job.part):
                streams[job.stage] = _start(remote, workshop, job)
        for stage, (epoch, epochs, accuracy) in self._values(streams, leader):
            detail = "" if accuracy is None else f"validation accuracy {accuracy:.3f}"
            listener(Progress(stage, epoch, epochs, detail))
        for job in needed:
            record = workshop.teacher_record(job.experiment, job.teacher, job.part)
            accuracy = record["metrics"]["validation/accuracy"]
            detail = f"validation accuracy {accuracy:.3f}" if job.part == "train" else ""
            listener(Progress(job.stage, _epochs(job), _epochs(job), detail))

    def make_lessons(self, workshop: Workshop, listener: Listener, leader: Leader) -> None:
        """Write all lessons that are missing; the teachers are there.

        Raises:
            Stopped: The budget of device-hours is spent, or the driver was asked to end.
            UserError: A teacher has no lessons by the criterion that is asked for.
            OSError: The storage takes no more.
        """
        needed = jobs(self.variants, "lessons", workshop.lesson_folder)
        totals = {job.stage: workshop.lesson_count(job.experiment, job.part) for job in needed}
        remote, streams = self._remote(lessons_on_ray), {}
        for job in needed:
            listener(Progress(job.stage, 0, totals[job.stage]))
            if not workshop.is_written(job.experiment, job.teacher, job.part):
                streams[job.stage] = _start(remote, workshop, job)
                for number in range(self._helpers(workshop, totals[job.stage])):
                    helper = f"{job.stage}{HELPER} {number + 1}"
                    streams[helper] = _start(remote, workshop, job, helping=True)
        for name, rows in self._values(streams, leader):
            stage = name.partition(HELPER)[0]
            listener(Progress(stage, rows, totals[stage]))
        for job in needed:
            listener(Progress(job.stage, totals[job.stage], totals[job.stage]))

    def _helpers(self, workshop: Workshop, rows: int) -> int:
        """Return how many processes may help another one to make so many lessons."""
        if workshop.shelf is not None:
            return 0  # nodes without a common folder do not see each other's blocks
        places = self.execution.groups * self.execution.workers
        return max(0, min(places, rows // ROWS_A_PROCESS) - 1)

    def _remote(self, function: Any) -> Any:
        return ray.remote(
            num_cpus=self.execution.cpus_per_worker,
            num_gpus=self.execution.gpus_per_worker,
            num_returns="streaming",
            max_retries=self.execution.retries,
        )(function)

    def _values(self, streams: dict[str, Any], leader: Leader) -> Iterator[tuple[str, Any]]:
        """Yield what jobs say, in any order; each holds its devices from its first word on.

        Who asks for an end does not wait for an epoch of a teacher.
        """
        account = leader.account
        stages = {stream: stage for stage, stream in streams.items()}
        while stages:
            ready, _ = ray.wait(list(stages), num_returns=1, timeout=LOOK_SECONDS)
            leader.check()
            for stream in ready:
                try:
                    value = ray.get(next(stream))
                except StopIteration:
                    account.release(stages.pop(stream))
                    continue
                except ray.exceptions.RayTaskError as failure:
                    said = isinstance(failure.cause, UserError | TrainingError)
                    if said or is_full(failure.cause):
                        raise failure.cause from None
                    raise
                account.allocate(stages[stream], devices_of(self.execution, 1))
                yield stages[stream], value
                if account.exhausted:
                    raise account.end(f"{stages[stream]} is not done")


def _epochs(job: Job) -> int:
    return job.experiment.teachers[job.teacher].training.epochs


def _start(remote: Any, workshop: Workshop, job: Job, **asked: bool) -> Any:
    described = job.experiment.model_dump(mode="json")
    folders = (workshop.address, str(workshop.corpus_folder))
    return remote.remote(*folders, described, job.teacher, job.part, **asked)
