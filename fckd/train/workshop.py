"""One process's way from an experiment to its artefacts: opened once, made where missing."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Self

import numpy as np
import torch
from filelock import FileLock

from fckd.config.experiment import Experiment, ViewSettings, identity
from fckd.config.fusion import AnyNetwork
from fckd.config.networks import SERIES, NetworkSettings
from fckd.data.corpus import Corpus
from fckd.data.joint_readings import JointReadings
from fckd.data.prepare import CORPORA
from fckd.data.protocols import Division, divide
from fckd.data.readings import MEMORY_LIMIT, Readings
from fckd.files import fingerprint, make_folder
from fckd.storage.copies import Copies, storage_lost
from fckd.storage.shelf import Shelf, open_shelf, storage_folder
from fckd.train.lesson_blocks import LessonBlocks
from fckd.train.lesson_making import LessonMaker
from fckd.train.lessons import LessonStore
from fckd.train.loop import EpochResult
from fckd.train.pretrained import Pretrained
from fckd.train.run_files import RunFiles
from fckd.train.study import (
    Companion,
    Part,
    Study,
    samples_of,
    student_study,
    teacher_network,
    teacher_study,
)
from fckd.train.teachers import RECORD, Teacher, load_teacher, read_record, train_teacher

READER_VERSION = 3
"""Raised when networks, views or the reader change what a teacher or a lesson means."""

Key = dict[str, Any]


class Workshop:
    """Makes, finds and opens teachers, lessons and studies of one corpus.

    Corpus, readings and lesson stores stay open: the trials that a long-lived worker serves one
    after the other share them.

    Args:
        storage: The folder that holds every artefact.
        corpus: Folder of the corpus.
        device: Where networks run; the CPU if not given.
        shelf: Where artefacts that are not in `storage` are looked for, and new ones are put.
    """

    def __init__(
        self,
        storage: Path,
        corpus: Path,
        device: torch.device | None = None,
        shelf: Shelf | None = None,
    ) -> None:
        self.storage = storage
        self.corpus_folder = corpus
        self.device = device or torch.device("cpu")
        self.shelf = shelf
        self._readings: dict[str, Readings] = {}
        """By what is read and how, those asked for last at the end."""
        self._stores: dict[Path, LessonStore] = {}
        copies = None if shelf is None else Copies(shelf.address, shelf.folder, shelf.bucket)
        self.runs = RunFiles(storage, copies)
        self.pretrained = Pretrained(storage, copies)

    @classmethod
    def elsewhere(cls, address: str, corpus: str, device: torch.device) -> Self:
        """Return the workshop of another process, perhaps on another machine.

        Args:
            address: That workshop's `address`.
            corpus: Its corpus folder; with a shelf, only the name counts.
            device: Where networks run.
        """
        # whoever gave the address has used it
        storage, shelf = storage_folder(address), open_shelf(address, answered=True)
        folder = Path(corpus) if shelf is None else storage / CORPORA / Path(corpus).name
        return cls(storage, folder, device, shelf)

    @property
    def address(self) -> str:
        """Of the storage, for other processes: its folder, or s3://BUCKET/PREFIX."""
        return str(self.storage if self.shelf is None else self.shelf.address)

    @cached_property
    def corpus(self) -> Corpus:
        """The corpus, memory-mapped."""
        return Corpus.open(self._fetched(self.corpus_folder))

    def check_weights(self, experiment: Experiment) -> None:
        """Refuse pretrained weights that do not fit, before anything is trained.

        Raises:
            UserError: They were not fetched, do not fit their network, or the shelf does not
                answer.
        """
        self.pretrained.require_fit(experiment, self.corpus)

    def share_weights(self, experiment: Experiment) -> None:
        """Put pretrained weights that fit on the shelf, where other nodes find them.

        Raises:
            UserError: They were not fetched, do not fit their network, or the shelf does not
                answer.
        """
        self.check_weights(experiment)
        self.pretrained.share(experiment)

    def division(self, experiment: Experiment) -> Division:
        """Return the official division, with validation held out of the training part."""
        return divide(self.corpus, experiment.corpus)

    def counts(self, experiment: Experiment) -> dict[str, int]:
        """Return the number of samples of `train`, `validation` and `test`."""
        division = self.division(experiment)
        return {
            "train": len(division.train),
            "validation": len(division.validation),
            "test": len(division.test),
        }

    def teach(self, experiment: Experiment, name: str, part: Part) -> Iterator[EpochResult]:
        """Train the teacher `name` if it is missing, epoch by epoch."""
        folder = self.teacher_folder(experiment, name, part)
        make_folder(folder.parent)
        with FileLock(folder.with_suffix(".lock")):
            if not (self._fetched(folder) / RECORD).exists():
                study = teacher_study(
                    experiment.teachers[name],
                    experiment.views,
                    self.corpus,
                    self.division(experiment),
                    part,
                    self.pretrained.file(experiment.teachers[name]),
                )
                yield from train_teacher(
                    study, self._teacher_key(experiment, name, part), folder, self.device
                )
            self._publish(folder)

    def is_taught(self, experiment: Experiment, name: str, part: Part) -> bool:
        """Whether `teach` has nothing to do; with a shelf it may always have to put one there."""
        there = (self.teacher_folder(experiment, name, part) / RECORD).exists()
        return there and self.shelf is None

    def teacher(self, experiment: Experiment, name: str, part: Part) -> Teacher:
        """Return the frozen teacher `name`.

        Raises:
            UserError: It was not trained yet.
        """
        folder = self.teacher_folder(experiment, name, part)
        return load_teacher(self._fetched(folder), experiment.teachers[name], self.device)

    def teacher_record(self, experiment: Experiment, name: str, part: Part) -> dict[str, Any]:
        """Return what was recorded when the teacher `name` was trained.

        Raises:
            UserError: It was not trained yet.
        """
        return read_record(self._fetched(self.teacher_folder(experiment, name, part)))

    def teacher_folder(self, experiment: Experiment, name: str, part: Part) -> Path:
        """Return where the teacher `name` is kept."""
        key = fingerprint(self._teacher_key(experiment, name, part))
        return self.storage / "teachers" / f"{name}-{key}"

    def make_lessons(
        self, experiment: Experiment, name: str, part: Part, *, helping: bool = False
    ) -> Iterator[int]:
        """Write the lessons of the teacher `name` where they are missing; yield rows there so far.

        Any number of processes may do so at once: each makes what no other is making.

        Args:
            experiment: Who is taught by whom.
            name: Of the teacher.
            part: What is learnt from.
            helping: End as soon as others have all that is left in their hands. Otherwise the
                lessons are there in the end.
        """
        folder = self.lesson_folder(experiment, name, part)
        make_folder(folder.parent)
        if not self._fetched(folder).exists():
            maker = self._maker(experiment, name, part)
            blocks = LessonBlocks(folder, maker.shape, maker.blocks())
            yield from blocks.fill(maker.rows, helping=helping)
            if helping:
                return
            key = self._lesson_key(experiment, name, part)
            blocks.close(key, maker.samples.tolist(), maker.views)
        self._publish(folder)

    def is_written(self, experiment: Experiment, name: str, part: Part) -> bool:
        """Whether `make_lessons` has nothing to do; with a shelf it may have to put them there."""
        return self.lesson_folder(experiment, name, part).exists() and self.shelf is None

    def lesson_folder(self, experiment: Experiment, name: str, part: Part) -> Path:
        """Return where the lessons of the teacher `name` are kept.

        Raises:
            UserError: It was not trained yet.
        """
        key = fingerprint(self._lesson_key(experiment, name, part))
        return self.storage / "lessons" / f"{name}-{key}"

    def lesson_count(self, experiment: Experiment, part: Part) -> int:
        """Return the number of rows of one teacher's lessons."""
        return len(samples_of(part, self.division(experiment))) * experiment.views.count

    def lessons(self, experiment: Experiment, name: str, part: Part) -> LessonStore:
        """Return the lessons of the teacher `name`, opened once per process.

        Raises:
            UserError: They were not made, or are damaged.
        """
        key = self._lesson_key(experiment, name, part)
        folder = self.lesson_folder(experiment, name, part)
        if folder not in self._stores:
            self._stores[folder] = LessonStore(self._fetched(folder), key)
        return self._stores[folder]

    def make_deleted_lessons(self, experiment: Experiment, part: Part) -> None:
        """Make again what was there when a campaign began and was deleted under way.

        Lessons that this process has open are not missed: their pages stay while they are mapped.
        """
        stored = experiment.needs_lessons and experiment.objective.uses_lessons
        for name in experiment.taught_by if stored else ():
            if (self.teacher_folder(experiment, name, part) / RECORD).exists():
                folder = self.lesson_folder(experiment, name, part)
                if folder in self._stores or folder.exists():
                    continue
            for _ in self.teach(experiment, name, part):
                pass
            for _ in self.make_lessons(experiment, name, part):
                pass

    def study(
        self,
        experiment: Experiment,
        part: Part,
        lessons: Mapping[str, LessonStore] | None = None,
    ) -> Study:
        """Return the student's study, with the teachers that its objective asks.

        Args:
            experiment: Who is taught by whom.
            part: What is learnt from.
            lessons: By teacher, in place of those in the storage.
        """
        used = experiment.taught_by if experiment.objective.uses_lessons else ()
        alive = () if experiment.needs_lessons else used
        if lessons is None:
            stored = used if experiment.needs_lessons else ()
            lessons = {name: self.lessons(experiment, name, part) for name in stored}
        readings = self.readings(experiment.student, experiment.views)
        division = self.division(experiment)
        return student_study(
            experiment,
            self.corpus,
            division,
            part,
            readings,
            lessons,
            {name: self._companion(experiment, name) for name in alive},
            self.pretrained.file(experiment.student),
        )

    def readings(self, network: AnyNetwork, views: ViewSettings) -> JointReadings:
        """Return what `network` reads of the corpus, with its memory of earlier epochs."""
        return JointReadings(*(self._part(part, views) for part in network.inputs))

    def _fetched(self, folder: Path) -> Path:
        """Return `folder` itself, fetched from the shelf if it is only there."""
        if self.shelf is not None:
            with storage_lost():
                self.shelf.fetch(folder)
        return folder

    def _publish(self, folder: Path) -> None:
        if self.shelf is not None:
            with storage_lost():
                self.shelf.publish(folder)

    def _part(self, network: NetworkSettings, views: ViewSettings) -> Readings:
        fields = {"modality", "frames"} | (set() if network.modality in SERIES else {"size"})
        reads = network.model_dump(include=fields, mode="json")
        key = fingerprint([reads, views.model_dump(mode="json")])
        known = self._readings.pop(key, None)
        # What trials before read by other settings must not fill the memory of a long-lived worker.
        while sum(each.bytes_used for each in self._readings.values()) > MEMORY_LIMIT:
            del self._readings[next(iter(self._readings))]
        self._readings[key] = Readings(self.corpus, network, views) if known is None else known
        return self._readings[key]

    def _companion(self, experiment: Experiment, name: str) -> Companion:
        teacher = experiment.teachers[name]
        network = teacher_network(teacher)
        readings = self.readings(network, experiment.views)
        smoothing = teacher.training.label_smoothing
        return Companion(network, readings, smoothing, self.pretrained.file(network))

    def _maker(self, experiment: Experiment, name: str, part: Part) -> LessonMaker:
        return LessonMaker(
            teacher=self.teacher(experiment, name, part),
            readings=JointReadings.of(self.corpus, experiment.teachers[name], experiment.views),
            labels=self.corpus.labels,
            samples=samples_of(part, self.division(experiment)),
            views=experiment.views.count,
            criterion=experiment.focal.criterion,
            device=self.device,
        )

    def _teacher_key(self, experiment: Experiment, name: str, part: Part) -> Key:
        return {
            "reader": READER_VERSION,
            "corpus": self.corpus.fingerprint,
            "teacher": identity(experiment.teachers[name]),
            "views": experiment.views.model_dump(mode="json"),
            "samples": _names(self.corpus, samples_of(part, self.division(experiment))),
        }

    def _lesson_key(self, experiment: Experiment, name: str, part: Part) -> Key:
        teacher = self.teacher_record(experiment, name, part)
        return {
            "reader": READER_VERSION,
            "corpus": self.corpus.fingerprint,
            "teacher": teacher["sha256"],
            "tap": experiment.teachers[name].tap,
            "criterion": str(experiment.focal.criterion),
            "views": experiment.views.model_dump(mode="json"),
            "samples": _names(self.corpus, samples_of(part, self.division(experiment))),
        }


def _names(corpus: Corpus, samples: np.ndarray) -> str:
    return fingerprint([corpus.sample_ids[index] for index in samples])
