"""What other processes do: two ranks that train together, and two that are killed at work."""

import os
import signal
import time
from datetime import timedelta
from functools import partial
from pathlib import Path

import torch
from torch import distributed, nn

from fckd.config.experiment import Experiment
from fckd.errors import TrainingError
from fckd.train import lesson_making, task, world
from fckd.train.checkpoints import load_checkpoint, save_checkpoint
from fckd.train.loop import distill
from fckd.train.workshop import Workshop
from fckd.train.world import FailedElsewhere, World
from tests.train.small import BASE, state, told

RANKS = 2
SAID = (None, "go on", {"key": "0001", "experiment": {"ratio": 0.1, "teachers": ["é"]}})
KILLED_AFTER = 2
SHORT_SECONDS = 8.0
"""The limit of a process group whose ranks must wait for each other for longer."""
SLOW_SECONDS = 1.25 * SHORT_SECONDS
MADE_AGAIN = "made again"


def train_together(rank, folder, storage, corpus, runs):
    """Train each run as one of two ranks; leave what this rank saw in `folder`.

    Args:
        rank: Of this process.
        folder: Where results and the ranks' meeting point go.
        storage: Of the workshop.
        corpus: Folder of the corpus.
        runs: Experiments as JSON values, by name.
    """
    join(rank, folder, RANKS)
    workshop = Workshop(Path(storage), Path(corpus))
    world = World()
    found = {"heard": [world.from_first(said if rank == 0 else "else") for said in SAID]}
    found["made again"] = made_again(Workshop(Path(folder) / MADE_AGAIN, Path(corpus)))
    for name, described in runs.items():
        experiment = Experiment.model_validate(described)
        study = workshop.study(experiment, "train")
        try:
            found[name] = report(list(distill(study)))
        except TrainingError as failure:
            found[name] = {"failure": str(failure)}
    found["resumed"] = report(interrupted(study, rank, Path(folder)))
    key = "task"
    outcome = task.run_task(
        task.Task(key, described, "train", f"{folder}/task"),
        workshop,
        lambda _epoch, _metrics: True,
    )
    found[key] = None if outcome is None else dict(outcome.metrics)
    torch.save(found, Path(folder) / f"rank{rank}.pt")
    distributed.destroy_process_group()


def join(rank, folder, ranks):
    """Become one of so many ranks."""
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo",
        init_method=f"file://{folder}/meeting",
        rank=rank,
        world_size=ranks,
        timeout=timedelta(seconds=180),
    )


def resume_as_three(rank, folder, storage, corpus, described):
    """Train in one go, and from the first rank's checkpoint after an epoch; leave both states."""
    join(rank, folder, 3)
    experiment = Experiment.model_validate(described)
    study = Workshop(Path(storage), Path(corpus)).study(experiment, "train")
    whole, again = list(distill(study)), interrupted(study, rank, Path(folder))
    torch.save([state(run[-1].network) for run in (whole, again)], f"{folder}/rank{rank}.pt")
    distributed.destroy_process_group()


def learn_with_a_part_that_rests(rank, folder):
    """Take two steps with a layer that no output depends on."""
    join(rank, folder, RANKS)
    module = nn.ModuleDict({"used": nn.Linear(2, 2), "resting": nn.Linear(2, 2)})
    module.forward = module["used"].forward
    parallel = World().parallel(module, torch.device("cpu"))
    for _ in range(2):
        parallel(torch.ones(1, 2)).sum().backward()
    torch.save(module["used"].weight.grad, f"{folder}/rank{rank}.pt")
    distributed.destroy_process_group()


def fail_alone(rank, folder):
    """Let the second rank's work fail; leave what each rank met, and a sum that they make after."""
    join(rank, folder, RANKS)
    try:
        World().patiently(partial(int, "1" if rank == 0 else "one"))
    except (FailedElsewhere, ValueError) as failure:
        met = type(failure).__name__
    torch.save([met, World().sum(torch.ones(1))], f"{folder}/rank{rank}.pt")
    distributed.destroy_process_group()


class SlowShelf(Workshop):
    """Whose files need longer to come and go than one rank may wait for another in silence."""

    def study(self, *given):
        """The first rank is slow to open the lessons."""
        if World().rank == 0:
            time.sleep(SLOW_SECONDS)
        return super().study(*given)

    def bring(self, *files):
        """The second rank is slow to fetch what the first one has."""
        if World().rank == 1 and any(file.name == task.CHECKPOINT for file in files):
            time.sleep(SLOW_SECONDS)

    def send(self, *files):
        """The first rank is slow to send the outcome."""
        if any(file.name == task.OUTCOME for file in files):
            time.sleep(SLOW_SECONDS)


def wait_for_a_slow_shelf(rank, folder, storage, corpus, described):
    """Run a task as one of two ranks that give each other up after `SHORT_SECONDS`."""
    join(rank, folder, RANKS)
    # Only from here on: until all have come, one may have been busy for long with its imports.
    distributed.barrier()
    limit = timedelta(seconds=SHORT_SECONDS)
    distributed.distributed_c10d._set_pg_timeout(limit, distributed.group.WORLD)
    world.IDLE_SECONDS = SHORT_SECONDS / 6
    given = task.Task("slow", described, "train", f"{folder}/slow")
    task.run_task(given, SlowShelf(Path(storage), Path(corpus)), lambda _epoch, _metrics: True)
    World().sum(torch.zeros(1))
    distributed.destroy_process_group()


def made_again(workshop):
    """Return the sums of the teachers that were not there, and how many samples have lessons."""
    workshop.make_deleted_lessons(BASE, "train")
    return {
        name: (
            workshop.teacher_record(BASE, name, "train")["sha256"],
            len(workshop.lessons(BASE, name, "train").samples),
        )
        for name in BASE.teachers
    }


def report(epochs):
    """Return what a run left, as plain values and tensors."""
    last = epochs[-1]
    return {
        "metrics": told(last),
        "state": state(last.network),
        "gradients": {name: p.grad.clone() for name, p in last.network.named_parameters()},
        "logits": last.evaluation.logits,
    }


def interrupted(study, rank, folder):
    """Return the epochs after the first, from the first rank's checkpoint."""
    first = next(distill(study))
    if rank == 0:
        save_checkpoint(folder / "checkpoint.pt", first.checkpoint())
    distributed.barrier()
    return list(distill(study, resume=load_checkpoint(folder / "checkpoint.pt", "cpu")))


def die():
    """End this process as a machine that loses its power would."""
    os.kill(os.getpid(), signal.SIGKILL)


def die_between_blocks(storage, corpus):
    """Write the first of several blocks of lessons, then die."""
    lesson_making.BLOCK_BYTES = 200
    workshop = Workshop(Path(storage), Path(corpus))
    for _ in workshop.teach(BASE, "skeleton", "train"):
        pass
    for _ in workshop.make_lessons(BASE, "skeleton", "train"):
        die()


def die_after_an_epoch(given, storage, corpus):
    """Train until the epoch `KILLED_AFTER` was reported, then die."""
    torch.set_num_threads(1)
    task.LARGEST_SHARE = 1e9
    workshop = Workshop(Path(storage), Path(corpus))
    task.run_task(given, workshop, lambda epoch, _metrics: epoch < KILLED_AFTER or die())


def work_on_another_machine(given, address, cache, corpus, *, dies):
    """Work on a task with the storage in S3, in a cache of its own; perhaps die under way."""
    os.environ["FCKD_CACHE"] = cache
    torch.set_num_threads(1)
    task.LARGEST_SHARE = float("inf")
    workshop = Workshop.elsewhere(address, corpus, torch.device("cpu"))
    task.run_task(given, workshop, lambda epoch, _: not dies or epoch < KILLED_AFTER or die())
