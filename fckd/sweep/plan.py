"""What a sweep would take: how many runs it has, times what a step of each was measured to take."""

import math
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from fckd.config.campaign import ExecutionSettings
from fckd.config.documents import with_fields
from fckd.config.experiment import Experiment, TrainingSettings
from fckd.config.parameters import Parameter, RangeParameter
from fckd.config.space import Space
from fckd.data.cores import cores
from fckd.data.readings import MEMORY_LIMIT
from fckd.sweep.account import HOUR, devices_of, unit_of
from fckd.sweep.arms import arms, confirmation_runs, under
from fckd.sweep.given import cluster_is_given
from fckd.sweep.needs import Job, jobs, variants_of
from fckd.sweep.phases import points_of
from fckd.sweep.suggest import TEACHERS
from fckd.train.rehearsal import (
    LessonRehearsal,
    Rehearsal,
    rehearse_lessons,
    rehearse_student,
    rehearse_teacher,
    threads,
)
from fckd.train.study import Part, samples_of
from fckd.train.workshop import Workshop

MINUTE = 60.0
RETAUGHT = ("views.", "teachers.")
"""How the names of searched fields begin of which every value has teachers of its own."""
COSTLY = ("student.", "training.epochs", "training.batch_size", *RETAUGHT)
"""How the names of searched fields begin on which depends what a trial takes."""


@dataclass(frozen=True)
class Stage:
    """One stage of a sweep.

    Attributes:
        name: `teach TEACHER`, `lessons TEACHER CRITERION`, `search`, or `confirmation`.
        runs: Trainings, or stores of lessons, that are missing.
        epochs: Of each; None of lessons.
        unit_seconds: Of an optimiser step, or of one lesson; measured.
        step_bytes: The peak of a step; measured. None of lessons.
        seconds: From its begin to its end.
        device_hours: That it holds.
        kept_bytes: That it leaves on disk.
    """

    name: str
    runs: int
    epochs: int | None
    unit_seconds: float
    step_bytes: int | None
    seconds: float
    device_hours: float
    kept_bytes: int


@dataclass(frozen=True)
class Bound:
    """A budget of the search, and how many trials it allows."""

    name: str
    trials: int


@dataclass(frozen=True)
class Plan:
    """What a sweep would take.

    Attributes:
        stages: In their order.
        bounds: Of the search; the first of them ends it.
        unit: Of device-hours: `GPU-hours` or `CPU-hours`.
        corpus_bytes: Of the corpus on disk.
        readings_bytes: That a worker remembers of what it has read, at most.
        crowding: How many times slower runs are because workers share this machine's cores.
        on_cpu: Whether workers will have GPUs, and a CPU was measured.
        compiled: Whether trials will be compiled by torch; what was measured was not.
        varying: Searched fields on which it depends what a trial takes.
        retaught: Those of which the first run of each value, but for the experiment's, trains
            teachers and makes lessons. They are in no stage: nobody knows what will be drawn.
    """

    stages: tuple[Stage, ...]
    bounds: tuple[Bound, ...]
    unit: str
    corpus_bytes: int
    readings_bytes: int
    crowding: float
    on_cpu: bool
    compiled: bool
    varying: tuple[str, ...]
    retaught: tuple[str, ...]

    @property
    def seconds(self) -> float:
        """Of the whole sweep."""
        return sum(stage.seconds for stage in self.stages)

    @property
    def device_hours(self) -> float:
        """Of the whole sweep."""
        return sum(stage.device_hours for stage in self.stages)


def plan_of(space: Space, workshop: Workshop) -> Plan:
    """Measure a few steps of every network and return what follows from them.

    Args:
        space: What would be searched.
        workshop: With the corpus; what is there already is not planned again.

    Raises:
        UserError: A network does not fit the corpus, or weights do not fit their network.
        TrainingError: A training breaks down at once.
    """
    execution = space.execution
    workshop.check_weights(space.experiment)
    if not execution.gpus_per_worker:
        # Workers see no GPU then, though this process may.
        workshop = Workshop(workshop.storage, workshop.corpus_folder, shelf=workshop.shelf)
    with threads(max(1, int(execution.cpus_per_worker))):
        return _Planner(space, workshop).plan()


def dearest(space: Space) -> Experiment:
    """Return the experiment with every term and teacher on that is searched."""
    on = {
        name: _largest(parameter)
        for name, parameter in space.search.parameters.items()
        if name.endswith(".weight") or name.startswith(TEACHERS)
    }
    return with_fields(space.experiment, on, "the dearest trial")


@dataclass(frozen=True)
class _Load:
    """What one training does: steps, samples measured, readings asked for, and different ones."""

    steps: int
    measured: int
    readings: int
    different: int


class _Planner:
    def __init__(self, space: Space, workshop: Workshop) -> None:
        self.space, self.workshop = space, workshop
        self.execution = space.execution
        self.variants = variants_of(space)
        self.crowding = _crowding(space.execution)
        # The student alone, plain logits, and a trial with every term that is searched; the last of
        # these where nothing is confirmed.
        trained = [dearest(space)]
        if space.confirmation.finalists:
            trained = [arm.experiment for arm in arms(trained[0], [("", {})])]
        self.students = [
            rehearse_student(workshop, experiment, space.execution.workers)
            for experiment in trained
        ]

    def plan(self) -> Plan:
        prepared = [*self._teachers(), *self._lessons()]
        confirmed = [self._confirmation()] if self.space.confirmation.finalists else []
        bounds = self._bounds(sum(stage.device_hours for stage in (*prepared, *confirmed)))
        search = self._search(bounds[0].trials)
        taken, load = self.students[-1], self._load_of(self.space.experiment, "train")
        return Plan(
            stages=(*prepared, search, *confirmed),
            bounds=bounds,
            unit=unit_of(self.execution),
            corpus_bytes=_size(self.workshop.corpus.folder),
            readings_bytes=min(MEMORY_LIMIT, load.different * taken.reading_bytes),
            crowding=self.crowding,
            on_cpu=self.execution.gpus_per_worker > 0 and self.workshop.device.type == "cpu",
            compiled=self.space.experiment.training.compile,
            varying=self._searched(COSTLY),
            retaught=self._searched(RETAUGHT) if self._may_teach() else (),
        )

    def _searched(self, beginnings: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(name for name in self.space.search.parameters if name.startswith(beginnings))

    def _teachers(self) -> Iterator[Stage]:
        missing = [job for job in self._taught() if not self.workshop.is_taught(*job.asked)]
        for name in dict.fromkeys(job.teacher for job in missing):
            own = [job for job in missing if job.teacher == name]
            taken = rehearse_teacher(self.workshop, own[0].experiment, name)
            training = own[0].experiment.teachers[name].training
            loads = [self._load(training, job.experiment, job.part, "validation") for job in own]
            seconds = [_run(taken, load) + _reading(taken, load) for load in loads]
            kept = taken.weights_bytes * len(own)
            yield self._prepared(f"teach {name}", seconds, kept, taken, training.epochs)

    def _may_teach(self) -> bool:
        return bool(self._taught()) or "teaching" in self.space.search.parameters

    def _taught(self) -> list[Job]:
        return jobs(self.variants, "teach", self.workshop.teacher_folder)

    def _lessons(self) -> Iterator[Stage]:
        kinds: defaultdict[str, list[Job]] = defaultdict(list)
        for job in jobs(self.variants, "lessons", self._place):
            if self._lacks(job):
                kinds[f"{job.teacher} {job.experiment.focal.criterion}"].append(job)
        for kind, own in kinds.items():
            taken = rehearse_lessons(self.workshop, own[0].experiment, own[0].teacher)
            rows = [self.workshop.lesson_count(job.experiment, job.part) for job in own]
            seconds = [count * taken.seconds for count in rows]
            yield self._prepared(f"lessons {kind}", seconds, sum(rows) * taken.bytes, taken)

    def _place(self, experiment: Experiment, name: str, part: Part) -> Path:
        """Return what tells lessons apart; until their teacher is trained they have no folder."""
        folder = self.workshop.teacher_folder(experiment, name, part)
        return folder / str(experiment.focal.criterion)

    def _lacks(self, job: Job) -> bool:
        there = self.workshop.is_taught(*job.asked) and self.workshop.is_written(*job.asked)
        return not there

    def _prepared(
        self,
        name: str,
        seconds: list[float],
        kept: int,
        taken: Rehearsal | LessonRehearsal,
        epochs: int | None = None,
    ) -> Stage:
        """Return a stage whose jobs, of one worker each, share the devices of the search."""
        busy = self.crowding * sum(seconds)
        workers = self.execution.groups * self.execution.workers
        return Stage(
            name=name,
            runs=len(seconds),
            epochs=epochs,
            unit_seconds=taken.seconds,
            step_bytes=taken.step_bytes if isinstance(taken, Rehearsal) else None,
            seconds=max(busy / workers, *seconds),
            device_hours=busy * devices_of(self.execution, 1) / HOUR,
            kept_bytes=kept,
        )

    def _search(self, trials: int) -> Stage:
        taken, load = self.students[-1], self._load_of(self.space.experiment, "train")
        rounds = math.ceil(trials / self.execution.groups)
        seconds = rounds * _run(taken, load) + _reading(taken, load, rounds)
        return self._trained("search", trials, seconds)

    def _confirmation(self) -> Stage:
        settings = self.space.confirmation
        runs, protocols = confirmation_runs(settings), settings.protocols or (None,)
        at_once = min(self.execution.groups, runs)
        alone, logits, distilled = self.students
        seconds = 0.0
        for protocol in protocols:
            load = self._load_of(under(self.space.experiment, protocol), "train+validation")
            trained = (alone, logits, *[distilled] * settings.finalists)
            busy = settings.seeds * sum(_run(taken, load) for taken in trained)
            rounds = runs / len(protocols) / at_once
            seconds += busy / at_once + _reading(distilled, load, rounds)
        return self._trained("confirmation", runs, seconds)

    def _trained(self, name: str, runs: int, seconds: float) -> Stage:
        taken, crowded = self.students[-1], seconds * self.crowding
        devices = self.execution.groups * devices_of(self.execution, self.execution.workers)
        return Stage(
            name=name,
            runs=runs,
            epochs=self.space.experiment.training.epochs,
            unit_seconds=taken.seconds,
            step_bytes=taken.step_bytes,
            seconds=crowded,
            device_hours=crowded * devices / HOUR,
            kept_bytes=taken.weights_bytes * runs,
        )

    def _bounds(self, elsewhere: float) -> tuple[Bound, ...]:
        """Return the budgets, the one that ends the search first; `elsewhere` goes to the rest."""
        budget, trials = self.space.budget, self.space.budget.trials
        if self.space.search.sampler == "grid":
            trials = len(points_of(self.space, ()))
        bounds = [Bound("budget.trials", trials)]
        taken, load = self.students[-1], self._load_of(self.space.experiment, "train")
        one = self.crowding * _run(taken, load)
        groups = self.execution.groups
        if budget.minutes is not None:
            # Until then a trial may begin; it is trained to its end.
            begun = groups * (1 + int(budget.minutes * MINUTE / one))
            bounds.append(Bound("budget.minutes", begun))
        if budget.device_hours is not None:
            left = HOUR * max(0.0, budget.device_hours - elsewhere)
            devices = devices_of(self.execution, self.execution.workers)
            bounds.append(Bound("budget.device_hours", int(left / (one * devices))))
        return tuple(sorted(bounds, key=lambda bound: bound.trials))

    def _load_of(self, experiment: Experiment, part: Part) -> _Load:
        measured = "validation" if part == "train" else "test"
        return self._load(experiment.training, experiment, part, measured)

    def _load(
        self, training: TrainingSettings, experiment: Experiment, part: Part, measured: str
    ) -> _Load:
        learnt = len(samples_of(part, self.workshop.division(experiment)))
        asked = self.workshop.counts(experiment)[measured]
        return _Load(
            steps=training.epochs * max(1, learnt // training.batch_size),
            measured=asked * (training.epochs if part == "train" else 1),
            readings=training.epochs * learnt + asked,
            different=learnt * experiment.views.count + asked,
        )


def _run(taken: Rehearsal, load: _Load) -> float:
    """Return the seconds of one training that finds its readings in memory."""
    steps, measured = load.steps * taken.seconds, load.measured * taken.evaluation_seconds
    return steps + measured + taken.ending_seconds


def _reading(taken: Rehearsal, load: _Load, runs: float = 1) -> float:
    """Return the seconds in which one process makes what it reads, over so many trainings.

    What fits in its memory is made once, when it is first drawn; of the rest, each time.
    """
    asked = runs * load.readings
    share = min(1.0, MEMORY_LIMIT / (load.different * taken.reading_bytes))
    kept = share * load.different * (1 - math.exp(-asked / load.different))
    return (kept + (1 - share) * asked) * taken.reading_seconds


def _largest(parameter: Parameter) -> float:
    if isinstance(parameter, RangeParameter):
        return parameter.high
    return max(float(choice) for choice in parameter.choices)


def _crowding(execution: ExecutionSettings) -> float:
    """Return how many workers share a core of this machine, if they run on its cores."""
    if execution.gpus_per_worker or cluster_is_given():
        return 1.0
    asked = execution.groups * execution.workers * execution.cpus_per_worker
    return max(1.0, asked / cores())


def _size(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
