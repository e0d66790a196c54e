"""What runs on Ray: the loop of a worker group, and the tasks that make teachers and lessons.

The only file of this folder that knows Ray. The broker (fckd/sweep/broker.py) hands out tasks; it
is known here only as an actor handle.
"""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import asdict
from typing import Any

import ray
import ray.exceptions
import ray.train
import ray.train.torch
import torch

from fckd.config.experiment import Experiment
from fckd.errors import StorageLost, TrainingError, UserError
from fckd.files import is_full
from fckd.train.graphs import CaptureError
from fckd.train.memory import free_memory, is_out_of_memory
from fckd.train.study import Part
from fckd.train.task import (
    Interrupted,
    Outcome,
    Report,
    Task,
    forget_checkpoint,
    launched_apart,
    leave_to_shelf,
    run_task,
    smaller_parts,
)
from fckd.train.workshop import Workshop
from fckd.train.world import IDLE_SECONDS, FailedElsewhere, World

NOT_YET = "not yet"
STARVED = "starved"
SPOILT = "spoilt"
ELSEWHERE = "elsewhere"
OVER = ("finished", "pruned", "failed")
RELATED = "a term relates the samples of a batch, and would be another one in smaller parts"


def serve(config: Mapping[str, Any]) -> None:
    """Serve tasks until the broker is closed: the `train_loop_per_worker` of a Ray Train group.

    Args:
        config: `broker` (actor handle), `group` (name), `only` (key of the single task to serve,
            or None for all), `storage` (address), `corpus` (path), `threads` (torch threads).
    """
    torch.set_num_threads(config["threads"])
    device = ray.train.torch.get_device()
    if device.type == "cuda":
        torch.cuda.set_device(device)
    workshop = Workshop.elsewhere(config["storage"], config["corpus"], device)
    world, broker, group = World(), config["broker"], config["group"]
    if world.rank == 0:
        # A group that joins again lost its workers: the broker queues their task once more.
        ray.get(broker.join.remote(group))
    while (task := _next_task(world, broker, group, config["only"])) is not None:
        _serve_one(task, workshop, world, broker, group)


def _next_task(world: World, broker: Any, group: str, only: str | None) -> Task | None:
    asked = broker.next_task.remote(group, only) if world.rank == 0 else None
    # The other ranks wait for the first one's word, and torch lets nobody wait for long.
    while (told := world.from_first(_answer(asked))) == NOT_YET:
        pass
    return None if told is None else Task(**told)


def _answer(asked: Any) -> dict[str, Any] | str | None:
    """Return the task that the broker hands out, None if there are no more, or `NOT_YET`.

    Ranks but the first have asked nothing, and have no answer.
    """
    if asked is None:
        return None
    ready, _ = ray.wait([asked], timeout=IDLE_SECONDS)
    if not ready:
        return NOT_YET
    try:
        task = ray.get(asked)
    except ray.exceptions.RayActorError:
        return None  # the driver is gone or has given up
    return None if task is None else asdict(task)


def _serve_one(task: Task, workshop: Workshop, world: World, broker: Any, group: str) -> None:
    def report(epoch: int, metrics: Mapping[str, float]) -> bool:
        verdict = "go on"
        if world.rank == 0:
            verdict = ray.get(broker.report.remote(task.key, epoch, dict(metrics)))
        verdict = world.from_first(verdict)
        if verdict == "interrupt":
            raise Interrupted
        return bool(verdict == "go on")

    state, reason, outcome = _attempt(task, workshop, report)
    if state == STARVED:
        # Only here: as long as the error was held, so was all that had been allocated.
        free_memory()
        _retry_in_parts(task, reason, world, broker, group)
        return
    if state == SPOILT:
        # One worker has graphs. It begins anew, for whatever follows would fail in this process.
        ray.get(broker.retry.remote(group, task.key, reason, launched_apart(task)))
        raise RuntimeError(reason)

    if state in OVER or (state == "interrupted" and not reason):
        # Before it is told, for the driver may have this very folder and fetch what it reads then.
        leave_to_shelf(task, workshop)

    def tell() -> None:
        # What only one rank met, only that one can tell; the first telling counts.
        if state != ELSEWHERE and (world.rank == 0 or reason):
            result = None if outcome is None else outcome.summary
            ray.get(broker.finish.remote(task.key, state, reason, result))
        if world.rank == 0 and state in ("pruned", "failed"):
            with suppress(StorageLost):
                forget_checkpoint(task, workshop)

    world.patiently(tell)


def _attempt(task: Task, workshop: Workshop, report: Report) -> tuple[str, str, Outcome | None]:
    """Return how the task ended, why, and with what; on ranks but the first the outcome is None."""
    try:
        described = Experiment.model_validate(task.experiment)
        World().patiently(lambda: workshop.make_deleted_lessons(described, task.part))
        outcome = run_task(task, workshop, report)
    except Interrupted:
        return "interrupted", "", None
    except FailedElsewhere:
        return ELSEWHERE, "", None
    except Exception as failure:  # noqa: BLE001 - what nobody knows is raised again
        return *_said_of(failure), None
    return "pruned" if outcome is None else "finished", "", outcome


def _said_of(failure: Exception) -> tuple[str, str]:
    """Return how a task ends that met `failure`, and why; raise what says that something broke."""
    if isinstance(failure, StorageLost):
        return "interrupted", failure.given
    if is_full(failure):
        said = failure.given if isinstance(failure, UserError) else failure
        return "interrupted", f"no room left on a disk: {said}"
    if isinstance(failure, CaptureError):
        return SPOILT, str(failure)
    if isinstance(failure, TrainingError | UserError):
        return "failed", str(failure)
    if is_out_of_memory(failure):
        return STARVED, f"out of memory: {failure}"
    raise failure


def _retry_in_parts(task: Task, reason: str, world: World, broker: Any, group: str) -> None:
    """Hand the task back; the other ranks, which wait for this one, must begin anew.

    So must a process with a GPU: the step may have been broken while it was captured. A task whose
    terms relate the samples of a part would be another one in smaller parts.
    """
    smaller = smaller_parts(task, world.size)
    if Experiment.model_validate(task.experiment).objective.relates_samples:
        smaller, reason = None, f"{reason}; {RELATED}"
    ray.get(broker.retry.remote(group, task.key, reason, smaller))
    if world.size > 1 or torch.cuda.is_available():
        raise MemoryError(reason)


def teach_on_ray(
    storage: str, corpus: str, experiment: Mapping[str, Any], name: str, part: Part
) -> Iterator[tuple[int, int, float | None]]:
    """Train a teacher as a Ray task; yield (epoch, epochs, validation accuracy or None)."""
    workshop, described = _open(storage, corpus, experiment)
    epochs = described.teachers[name].training.epochs
    yield 0, epochs, None
    for result in workshop.teach(described, name, part):
        accuracy = result.metrics.get("validation/accuracy") if part == "train" else None
        yield result.epoch, epochs, accuracy


def lessons_on_ray(
    storage: str,
    corpus: str,
    experiment: Mapping[str, Any],
    name: str,
    part: Part,
    helping: bool = False,
) -> Iterator[int]:
    """Make a teacher's lessons as a Ray task; yield the number of rows that are there so far."""
    workshop, described = _open(storage, corpus, experiment)
    yield 0
    yield from workshop.make_lessons(described, name, part, helping=helping)


def _open(storage: str, corpus: str, experiment: Mapping[str, Any]) -> tuple[Workshop, Experiment]:
    torch.set_num_threads(max(1, int(os.environ.get("OMP_NUM_THREADS", "1"))))
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    workshop = Workshop.elsewhere(storage, corpus, device)
    return workshop, Experiment.model_validate(experiment)
