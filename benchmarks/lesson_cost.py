"""CPU seconds of an epoch of distillation: with stored lessons, with live teachers, with none.

The shape is the paper's: a video student that sees RGB; teachers on depth, optical flow and
skeleton, larger than the student, on the demo's synthetic corpus, with all three terms, a ratio of
a half and batches of twelve. `tsm`: a TSM student on ResNet-18 of width 256 (half of the published
one) with 8 frames of 64 × 64 pixels; TSM teachers of the published width 512, and a graph network
of 256. `video`: the demo's kind of student, of width 64 with 8 frames of 32 × 32 pixels, which
costs next to nothing itself; `video` teachers of width 192, and a graph network of 128. What
weights a network has does not matter to the cost: each teacher is trained for one epoch.

    python -m benchmarks.lesson_cost [--shape tsm] [--rounds 5] [--json FILE]

`stored` reads lessons that were written before; `live` runs the same frozen teachers in every step
on the same views, chooses the channels, and has the same loss; `alone` has no teacher. The three
take their epochs in turns within one process of one thread; ratios are of the same round, and the
table gives medians and ranges of the rounds. No epoch is measured on a split: that costs all three
the same. The second table is the store alone: bytes of features that an epoch reads at each ratio,
and CPU seconds of reading them.
"""

import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import torch

from benchmarks.results import beside, median_and_range, parser, tell
from benchmarks.turns import cpu_seconds, everything
from fckd.config.experiment import Experiment, FocalSettings
from fckd.config.objective import ObjectiveSettings
from fckd.data.joint_readings import JointReadings
from fckd.data.prepare import prepare
from fckd.distill.lesson import Lesson, lesson
from fckd.distill.saliency import Evidence, saliency
from fckd.train.batches import batches
from fckd.train.inputs import inputs
from fckd.train.lesson_making import HALF_BYTES
from fckd.train.lessons import LessonStore, Wish
from fckd.train.loop import distill
from fckd.train.study import Study
from fckd.train.teachers import Teacher
from fckd.train.workshop import Workshop
from fckd.train.world import World

PART: Final = "train+validation"
METHOD: dict[str, Any] = {
    "corpus": {"source": "synthetic", "validation_subjects": [7]},
    "views": {"count": 4},
    "focal": {"criterion": "magnitude", "ratio": 0.5},
    "objective": {
        "correlation": {"weight": 1.0},
        "distribution": {"weight": 1.0, "temperature": 4.0, "positions": 4},
        "logits": {"weight": 1.0, "temperature": 4.0},
    },
    "training": {"epochs": 30, "batch_size": 12, "learning_rate": 0.005},
}
"""What a step has to do, whatever the demo does today: figures of different days compare."""
CPU = torch.device("cpu")
ROUGH = {"training": {"epochs": 1, "batch_size": 16}}
SIZES = {
    "paper": (
        {"network": "tsm", "frames": 8, "size": 112},
        {"student": 512, "images": 512, "graph": 256},
    ),
    "tsm": (
        {"network": "tsm", "frames": 8, "size": 64},
        {"student": 256, "images": 512, "graph": 256},
    ),
    "video": (
        {"network": "video", "frames": 8, "size": 32},
        {"student": 64, "images": 192, "graph": 128},
    ),
}
"""By shape: the network of student and image teachers, and everybody's width.

`paper` is too large for a CPU: see `benchmarks.gpu_steps`."""
RATIOS = (1.0, 0.5, 0.25, 0.125)


class LiveTeacher:
    """Answers as a `LessonStore` does, by running the frozen teacher."""

    def __init__(self, teacher: Teacher, readings: JointReadings, labels: np.ndarray) -> None:
        self.network, self.readings = teacher.network, readings
        self.labels = torch.from_numpy(labels)
        self.channels = teacher.network.feature_channels

    @torch.no_grad()
    def read(
        self, samples: np.ndarray, views: np.ndarray, wish: Wish, device: torch.device
    ) -> Lesson:
        """Return what the teacher says of a batch."""
        output = self.network(*inputs(self.readings, samples, views, device))
        if wish.focal is None:
            return Lesson(output.logits)
        labels = self.labels[torch.from_numpy(samples)]
        evidence = Evidence(labels, self.network.class_weights, None, torch.default_generator)
        ranked = saliency(wish.focal.criterion, output.features.flatten(2), evidence)
        return lesson(output.logits, output.features, ranked, wish.focal, whole=wish.whole)


def experiment(shape: str) -> Experiment:
    """Return the experiment with the student and teachers of a shape."""
    reads, widths = SIZES[shape]
    images = {**reads, "width": widths["images"], **ROUGH}
    graph = {"network": "graph", "frames": 32, "width": widths["graph"], **ROUGH}
    teachers = {
        "depth": {"modality": "depth", **images},
        "flow": {"modality": "flow", **images},
        "skeleton": {"modality": "skeleton", **graph},
    }
    student = {"modality": "rgb", **reads, "width": widths["student"]}
    return Experiment.model_validate(METHOD | {"student": student, "teachers": teachers})


def make(experiment: Experiment, storage: Path, device: torch.device = CPU) -> Workshop:
    """Prepare corpus, teachers and lessons."""
    corpus = prepare(experiment.corpus, experiment.modalities, None, storage, lambda *_: None)
    workshop = Workshop(storage, corpus.folder, device)
    for name in experiment.teachers:
        for _ in workshop.teach(experiment, name, PART):
            pass
        for _ in workshop.make_lessons(experiment, name, PART):
            pass
    return workshop


def studies(experiment: Experiment, workshop: Workshop, epochs: int) -> dict[str, Study]:
    """Return the three studies, of more epochs than are run."""
    stored = workshop.study(experiment, PART)
    training = stored.training.model_copy(update={"epochs": epochs + 1})
    stored = replace(stored, measure_every_epoch=False, training=training)
    live = {
        name: LiveTeacher(
            workshop.teacher(experiment, name, PART),
            JointReadings.of(workshop.corpus, settings, experiment.views),
            workshop.corpus.labels,
        )
        for name, settings in experiment.teachers.items()
    }
    for readings in (stored.readings, *(teacher.readings for teacher in live.values())):
        readings.batch(*everything(stored))
    return {
        "alone": replace(stored, lessons={}, objective=ObjectiveSettings()),
        "stored": stored,
        "live": replace(stored, lessons=cast(dict[str, LessonStore], live)),
    }


def compare(spent: dict[str, list[float]]) -> Iterator[tuple[str, float, str]]:
    """Yield the rows of the first table."""
    yield from ((f"seconds an epoch, {name}", *median_and_range(spent[name])) for name in spent)
    for one, other in (("stored", "alone"), ("live", "stored"), ("live", "alone")):
        ratios = [a / b for a, b in zip(spent[one], spent[other], strict=True)]
        yield (f"{one} / {other}", *median_and_range(ratios))


def reading(study: Study, rounds: int) -> Iterator[tuple[float, float, float, float, str]]:
    """Yield the rows of the second table."""
    spent: dict[float, list[float]] = {ratio: [] for ratio in RATIOS}
    megabytes = {}
    for _ in range(rounds):
        for ratio in RATIOS:
            begun = time.process_time()
            values = sum(read(study, FocalSettings(ratio=ratio)))
            spent[ratio].append(time.process_time() - begun)
            megabytes[ratio] = HALF_BYTES * values / 1e6
    for ratio in RATIOS:
        against = [a / b for a, b in zip(spent[ratio], spent[1.0], strict=True)]
        yield ratio, megabytes[ratio], megabytes[ratio] / megabytes[1.0], *median_and_range(against)


def read(study: Study, focal: FocalSettings) -> Iterator[int]:
    """Read an epoch's lessons; yield how many values of features each batch had."""
    for batch in batches(study, 1, World()):
        for store in study.lessons.values():
            features = store.read(
                batch.samples, batch.views, Wish(focal, False, batch.whole), CPU
            ).features
            yield 0 if features is None else features.numel()


def main() -> None:
    """Measure and print both tables."""
    options = parser(__doc__)
    options.add_argument("--shape", choices=("tsm", "video"), default="tsm")
    options.add_argument("--rounds", type=int, default=5)
    given = options.parse_args()
    torch.set_num_threads(1)
    described = experiment(given.shape)
    with tempfile.TemporaryDirectory() as scratch:
        found = studies(described, make(described, Path(scratch).resolve()), given.rounds)
        runs = {name: distill(study) for name, study in found.items()}
        tell(("what", "median", "range"), compare(cpu_seconds(runs, given.rounds)), given.json)
        head = (
            "ratio",
            "megabytes an epoch",
            "of those at 1",
            "CPU seconds of those at 1",
            "range",
        )
        tell(head, reading(found["stored"], given.rounds), beside(given.json, "reading"))


if __name__ == "__main__":
    main()
