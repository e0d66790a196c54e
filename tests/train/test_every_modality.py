"""Every modality of every benchmark: raw files, a corpus, a student of two epochs.

The benchmarks are made here, in the layouts in which they are published.
"""

import csv
from dataclasses import dataclass

import numpy as np
import pytest

from fckd.config.corpus import SyntheticSettings
from fckd.config.experiment import Experiment
from fckd.config.networks import IMAGES, Modality
from fckd.data.prepare import prepare
from fckd.train.task import Task, run_task
from fckd.train.workshop import Workshop
from tests.data.benchmarks import benchmark_writers
from tests.data.conftest import silent, utd_files  # noqa: F401  (a fixture)
from tests.train.small import make

MODALITIES = {
    "synthetic": ("skeleton", "inertial", "depth", "rgb", "flow"),
    "utd-mhad": ("skeleton", "inertial", "depth", "rgb", "flow"),
    "n-ucla": ("skeleton", "depth", "rgb", "flow"),
    "ntu60": ("skeleton", "depth", "rgb", "infrared", "flow"),
    "hmdb51": ("rgb", "flow"),
    "table": ("skeleton", "inertial", "depth", "rgb", "infrared", "flow"),
}
VALIDATION = {
    "synthetic": {"validation_subjects": (3,)},
    "utd-mhad": {"validation_subjects": (3, 5, 7)},
    "n-ucla": {"validation_cameras": (2,)},
    "ntu60": {"validation_subjects": (2,)},
    "hmdb51": {"protocol": "split-3", "validation_share": 0.5},
    "table": {"table": "own.csv", "validation_subjects": (2,)},
}


def write_table(folder, corpus):
    """Write recordings of every modality as arrays, taken from a synthetic corpus."""
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for index, name in enumerate(corpus.sample_ids):
        arrays = {modality: corpus.array(index, modality) for modality in corpus.modalities}
        arrays[Modality.INFRARED] = arrays[Modality.DEPTH]
        subject = int(corpus.subjects[index])
        row = {
            "sample_id": name,
            "label": corpus.classes[corpus.labels[index]],
            "subject": subject,
            "split": "test" if subject > 2 else "train",
        }
        for modality, array in arrays.items():
            np.save(folder / f"{name}_{modality}.npy", array)
            row[modality] = f"{name}_{modality}.npy"
        rows.append(row)
    with (folder / "own.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, rows[0])
        writer.writeheader()
        writer.writerows(rows)


SMALL = SyntheticSettings(actions=2, subjects=4, cameras=1, repetitions=1, size=24)


def network(modality):
    frames = 4 if modality in IMAGES else 16
    kind = "video" if modality in IMAGES else "temporal"
    return {"modality": modality, "network": kind, "width": 8, "frames": frames, "size": 16}


def experiment(source, student, teacher):
    training = {"epochs": 1, "batch_size": 64}
    return Experiment.model_validate(
        {
            "corpus": {
                "source": source, "synthetic": SMALL, "image_side": 32, **VALIDATION[source]
            },
            "views": {"count": 1},
            "student": network(student),
            "teachers": {"teacher": {**network(teacher), "training": training}},
            "objective": {"correlation": {"weight": 1.0}, "logits": {"weight": 1.0}},
            "training": {"epochs": 2, "batch_size": 64},
        }
    )  # fmt: skip


@dataclass(frozen=True)
class Opened:
    """A source's workshop, and the modality of its teacher."""

    workshop: Workshop
    teacher: str


@pytest.fixture(scope="module")
def opened(tmp_path_factory, utd_files):  # noqa: F811
    """Return a function that prepares a source with all its modalities, once."""
    data, storage = tmp_path_factory.mktemp("raw"), tmp_path_factory.mktemp("made")
    write = {
        "synthetic": lambda: None,
        **benchmark_writers(data, utd_files),
        "table": lambda: write_table(data, opening("synthetic").workshop.corpus),
    }
    done = {}

    def opening(source):
        if source not in done:
            write[source]()
            first, *_, last = MODALITIES[source]
            described = experiment(source, first, last)
            wanted = [Modality(modality) for modality in MODALITIES[source]]
            corpus = prepare(described.corpus, wanted, data, storage, silent)
            done[source] = Opened(Workshop(storage, corpus.folder), first)
        return done[source]

    return opening


ALL = [(source, modality) for source, held in MODALITIES.items() for modality in held]


@pytest.mark.parametrize(("source", "modality"), ALL)
def test_raw_files_become_a_corpus_and_a_student_of_two_epochs(opened, source, modality, tmp_path):
    place = opened(source)
    described = experiment(source, modality, place.teacher)
    make(place.workshop, described)
    epochs = []

    def report(epoch, metrics):
        epochs.append((epoch, metrics))
        return True

    task = Task("t", described.model_dump(mode="json"), "train", str(tmp_path))
    outcome = run_task(task, place.workshop, report)
    assert [epoch for epoch, _ in epochs] == [1, 2]
    assert all(np.isfinite(value) for _, metrics in epochs for value in metrics.values())
    assert epochs[0][1]["train/correlation/teacher"] > 0
    assert outcome is not None
    assert len(outcome.labels) == place.workshop.counts(described)["validation"]
