"""One training run as plain values, its folder, and the loop around the loop.

The folder of a task outlives the process that works on it: a second process goes on from the last
checkpoint, or repeats the outcome of a run that had already ended. What another training has left
there is begun anew: the folder of a trial is named by its number, and a ledger that was lost or
moved gives the number to another point.
"""

import json
import logging
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from safetensors.torch import save

from fckd.config.experiment import Experiment, identity
from fckd.data.corpus import Corpus
from fckd.files import fingerprint, make_folder, write_bytes, write_json
from fckd.train.checkpoints import load_checkpoint, save_checkpoint
from fckd.train.cost import device_name, student_cost
from fckd.train.loop import Checkpoint, EpochResult, distill
from fckd.train.study import Part, Study
from fckd.train.transfer import transferred
from fckd.train.workshop import READER_VERSION, Workshop
from fckd.train.world import World

CHECKPOINT = "checkpoint.pt"
OUTCOME = "outcome.json"
SIGHT = "sight.json"
WEIGHTS = "model.safetensors"
LEFT = (WEIGHTS, SIGHT, OUTCOME)
"""What an ended run leaves, the outcome last."""
LARGEST_SHARE = 0.1
"""Of a run's time that may go into checkpoints: one after every epoch, as long as that is cheap."""
EPOCHS = "epochs"
"""In a checkpoint and in the sight: the metrics of every epoch so far, the first one's first."""
FINGERPRINT = "fingerprint"
"""In a checkpoint, the sight and the outcome: of what was trained. See `fingerprint_of`."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Task:
    """A student to train: plain values that travel to a worker."""

    key: str
    experiment: Mapping[str, Any]
    part: Part
    folder: str


@dataclass(frozen=True)
class Outcome:
    """What a finished run leaves, as JSON.

    Attributes:
        metrics: Of the last epoch, and what the student costs (see `student_cost`).
        split: What was measured: `validation` or `test`.
        sample_ids: Of the measured split.
        labels: True classes of these samples.
        predictions: Predicted classes of these samples.
        confusion: (classes, classes) counts; rows are true classes.
        fingerprint: Of what was trained (see `fingerprint_of`); empty in one of an earlier version.
        micro_batch: Samples of a worker that were in memory at a time; None if all of its share.
        device: On which the student was trained, and its milliseconds were measured.
    """

    metrics: Mapping[str, float]
    split: str
    sample_ids: list[str] = field(default_factory=list)
    labels: list[int] = field(default_factory=list)
    predictions: list[int] = field(default_factory=list)
    confusion: list[list[int]] = field(default_factory=list)
    fingerprint: str = ""
    micro_batch: int | None = None
    device: str = ""

    @property
    def summary(self) -> dict[str, Any]:
        """What is told of it: all but the single samples, of which there may be thousands."""
        return {"metrics": dict(self.metrics), "split": self.split, "confusion": self.confusion}


Report = Callable[[int, Mapping[str, float]], bool]
"""Takes an epoch's number and metrics; returns whether to go on. Called on every rank.

May raise `Interrupted`, on every rank alike.
"""


class Interrupted(Exception):  # noqa: N818 - it names an answer, as StopIteration does
    """The run shall end here and go on another time from this very epoch."""


def smaller_parts(task: Task, workers: int) -> Task | None:
    """Return the same task with half as many samples in memory at a time; None if it has one.

    Args:
        task: What did not fit.
        workers: Data-parallel workers that share its batch.
    """
    training: Mapping[str, Any] = task.experiment["training"]
    share = -(-training["batch_size"] // workers)
    now = min(training["micro_batch"] or share, share)
    if now == 1:
        return None
    changed = {**training, "micro_batch": -(-now // 2)}
    return replace(task, experiment={**task.experiment, "training": changed})


def launched_apart(task: Task) -> Task | None:
    """Return the same task without CUDA graphs; None if it was told whether to have them."""
    training: Mapping[str, Any] = task.experiment["training"]
    if training["cuda_graph"] is not None:
        return None
    changed = {**training, "cuda_graph": False}
    return replace(task, experiment={**task.experiment, "training": changed})


def fingerprint_of(experiment: Experiment, part: Part, corpus: Corpus) -> str:
    """Return what names a training, the same for every attempt at it.

    An attempt may differ in how steps are launched and in how many samples are in memory at a time.
    """
    described = identity(experiment)
    del described["training"]["micro_batch"]
    return fingerprint([described, part, corpus.fingerprint, READER_VERSION])


def run_task(task: Task, workshop: Workshop, report: Report) -> Outcome | None:
    """Train the task's student on this rank; return its outcome, or None if told to stop.

    Epochs of an earlier attempt are reported once more: who listened then may have died before it
    heard of them. What is left of another training is not taken, and overwritten in the end.

    Raises:
        UserError: The experiment does not fit the corpus, or lessons are missing.
        TrainingError: The run broke down.
        Interrupted: The report said so before the last epoch; the checkpoint is kept.
        StorageLost: S3 did not take or give a file of the run.
    """
    experiment, world = Experiment.model_validate(task.experiment), World()
    folder = _brought(task, workshop)
    mine = world.patiently(lambda: fingerprint_of(experiment, task.part, workshop.corpus))
    # Read before any rank goes on: one that is done may delete what the others have in common.
    ended = world.patiently(lambda: _ended(folder, mine))
    if ended is not None:
        outcome, told = ended
        with suppress(Interrupted):
            _repeat(told, report)
        return outcome
    study = world.patiently(lambda: workshop.study(experiment, task.part))
    resume = _begun(folder, mine, workshop)
    epochs = [] if resume is None else resume[EPOCHS]
    saver = _Saver(folder, workshop, world.rank == 0, mine, epochs)
    if not _repeat(saver.epochs, report):
        return None
    for result in distill(study, workshop.device, resume):
        saver.epochs.append(result.metrics)
        last = result.epoch == experiment.training.epochs
        keep = partial(saver.finish, result, study) if last else partial(saver.save_if_due, result)
        world.patiently(keep)
        try:
            go_on = report(result.epoch, result.metrics)
        except Interrupted:
            if not last:
                world.patiently(partial(saver.save, result))
                raise
        else:
            if not go_on and not last:
                return None
    return saver.outcome


def forget_checkpoint(task: Task, workshop: Workshop) -> None:
    """Delete the checkpoint of a run that will not go on.

    Raises:
        StorageLost: S3 does not answer.
    """
    workshop.runs.drop(workshop.runs.folder(task.folder) / CHECKPOINT)


def leave_to_shelf(task: Task, workshop: Workshop) -> None:
    """Delete the files of a run on this machine, if there is a shelf: it has them all.

    Thousands of runs would fill every node's disk, and who reads one of them brings it. Not for a
    run whose files may not have been sent.
    """
    if workshop.shelf is not None:
        folder = workshop.runs.folder(task.folder)
        for name in (CHECKPOINT, *LEFT):
            (folder / name).unlink(missing_ok=True)


def _brought(task: Task, workshop: Workshop) -> Path:
    """Return the run's folder on this machine, with what earlier attempts have left anywhere.

    But for the weights, which are not needed to repeat a run.
    """
    world = World()
    folder = world.patiently(lambda: make_folder(workshop.runs.folder(task.folder)))
    files = [folder / name for name in (CHECKPOINT, SIGHT, OUTCOME)]
    # What the first rank finds on its own machine counts; the others find it on the shelf then.
    for mine in (world.rank == 0, world.rank > 0):
        world.patiently(partial(workshop.runs.bring, *(files if mine else ())))
    return folder


def bring_run(workshop: Workshop, folder: Path) -> None:
    """Bring what an ended run has left on another machine to `folder`; the outcome last.

    Raises:
        StorageLost: S3 did not give it.
    """
    workshop.runs.bring(*(folder / name for name in LEFT))


def read_outcome(folder: Path) -> Outcome:
    """Return the outcome that a finished run left in `folder`."""
    return Outcome(**json.loads((folder / OUTCOME).read_text()))


def _ended(folder: Path, mine: str) -> tuple[Outcome, list[dict[str, float]]] | None:
    """Return outcome and epochs of the run that ended in `folder`, if it was this training."""
    if not (folder / OUTCOME).exists():
        return None
    outcome = read_outcome(folder)
    sight = json.loads((folder / SIGHT).read_text()) if (folder / SIGHT).exists() else {}
    if not mine == outcome.fingerprint == sight.get(FINGERPRINT):
        _log.warning(
            "%s has the outcome of another training or version: this one begins anew", folder
        )
        return None
    return outcome, sight[EPOCHS]


def _begun(folder: Path, mine: str, workshop: Workshop) -> Checkpoint | None:
    """Return the checkpoint in `folder` if it is of this training."""
    found = load_checkpoint(folder / CHECKPOINT, workshop.device)
    if found is not None and found.get(FINGERPRINT) != mine:
        _log.warning(
            "%s has a checkpoint of another training or version: this one begins anew", folder
        )
        return None
    return found


def _repeat(epochs: Sequence[Mapping[str, float]], report: Report) -> bool:
    return all(report(number, metrics) for number, metrics in enumerate(epochs, start=1))


@dataclass
class _Saver:
    folder: Path
    workshop: Workshop
    writes: bool
    fingerprint: str
    epochs: list[dict[str, float]]
    outcome: Outcome | None = None
    saved: float = field(default_factory=time.monotonic)
    took: float = 0.0

    def save_if_due(self, result: EpochResult) -> None:
        if self.took <= LARGEST_SHARE * (time.monotonic() - self.saved):
            self.save(result)

    def save(self, result: EpochResult) -> None:
        if self.writes:
            begun = time.monotonic()
            kept = {FINGERPRINT: self.fingerprint, EPOCHS: self.epochs}
            save_checkpoint(self.folder / CHECKPOINT, {**result.checkpoint(), **kept})
            self.workshop.runs.send(self.folder / CHECKPOINT)
            self.saved = time.monotonic()
            self.took = self.saved - begun

    def finish(self, result: EpochResult, study: Study) -> None:
        if not self.writes or result.evaluation is None:
            return
        evaluation, workshop = result.evaluation, self.workshop
        state = {name: value.cpu() for name, value in result.network.state_dict().items()}
        write_bytes(self.folder / WEIGHTS, save(state))
        given = transferred(study, result, workshop.corpus, workshop.device)
        kept = {FINGERPRINT: self.fingerprint, EPOCHS: self.epochs}
        write_json(self.folder / SIGHT, {**kept, **given})
        outcome = Outcome(
            metrics=result.metrics | student_cost(result.network, study.readings.shapes),
            split=evaluation.split,
            sample_ids=[workshop.corpus.sample_ids[i] for i in evaluation.samples],
            labels=np.asarray(evaluation.labels).tolist(),
            predictions=evaluation.predictions.tolist(),
            confusion=[list(row) for row in evaluation.confusion],
            fingerprint=self.fingerprint,
            micro_batch=study.training.micro_batch,
            device=device_name(workshop.device),
        )
        workshop.runs.send(self.folder / WEIGHTS, self.folder / SIGHT)
        # Last, for its presence says that the run is complete and its split was read.
        write_json(self.folder / OUTCOME, asdict(outcome))
        workshop.runs.send(self.folder / OUTCOME)
        workshop.runs.drop(self.folder / CHECKPOINT)
        self.outcome = outcome
