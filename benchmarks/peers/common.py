"""What every writing shares: the recordings, both networks, the data and the recipe.

Cross-entropy, KD at T = 4 and the inter-channel correlation of ICKD, each of weight 1, from one
skeleton teacher to a student on the wrist sensor (UTD-MHAD; the synthetic corpus where there are no
recordings). AdamW with one learning rate, batches of 32.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final, cast

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from benchmarks.runner_overhead import data_folder, open_workshop
from fckd.config.documents import merge, read_document, validate
from fckd.config.experiment import Experiment
from fckd.config.networks import NetworkSettings
from fckd.config.space import Space
from fckd.data.joint_readings import JointReadings
from fckd.data.readings import Readings, read
from fckd.data.views import view_of
from fckd.distill.embedding import Embedding
from fckd.models.fusion.table import build_any_network
from fckd.models.network import ActionNetwork
from fckd.train.study import teacher_network
from fckd.train.workshop import Workshop

TEMPERATURE = 4.0
BATCH = 32
TEACHER: Final = "skeleton"
PART: Final = "train"
ON = {"weight": 1.0}
RECIPE = {
    "objective": {
        "correlation": {"weight": 0.0},
        "distribution": {"weight": 0.0},
        "logits": {**ON, "temperature": TEMPERATURE},
        "ickd": ON,
    },
}
Item = tuple[tuple[np.ndarray, np.ndarray], int]


def space_of(epochs: int, trials: int, groups: int, *, rough: bool) -> Space:
    """Return the search, over the learning rate alone.

    Args:
        epochs: Of a trial.
        trials: So many.
        groups: Trials at a time, of one worker each.
        rough: Whether the teacher learns for two epochs only: what it costs does not change.
    """
    document = read_document(Path("utd_mhad_inertial.yaml"))
    experiment = {**RECIPE, "training": {"epochs": epochs, "batch_size": BATCH}}
    if rough:
        experiment["teachers"] = {TEACHER: {"training": {"epochs": 2}}}
    if data_folder() is None:
        experiment["corpus"] = {"source": "synthetic"}
    changes = {
        "experiment": experiment,
        "budget": {"trials": trials},
        "stopping": {"rule": "none"},
        "execution": {"groups": groups, "workers": 1},
    }
    document = merge(document, changes)
    rate = {"low": 0.001, "high": 0.003, "log": True}
    document["search"] = {"sampler": "random", "parameters": {"training.learning_rate": rate}}
    return validate(Space, document, "benchmark")


def taught(space: Space, storage: Path) -> Workshop:
    """Prepare the corpus and train the teacher."""
    workshop = open_workshop(space, storage)
    for _ in workshop.teach(space.experiment, TEACHER, PART):
        pass
    return workshop


@dataclass
class Ground:
    """What the writings by other means are given, instead of writing it themselves.

    Attributes:
        student: Untrained.
        embedding: Of the student's channels into the teacher's.
        teacher: Frozen.
        train: Sensor and skeleton under one random view, and the class, of each training sample.
        validation: The same, unchanged.
    """

    student: ActionNetwork
    embedding: Embedding
    teacher: ActionNetwork
    train: Dataset[Item]
    validation: Dataset[Item]


def ground(workshop: Workshop, experiment: Experiment, seed: int = 0) -> Ground:
    """Return the networks and the data of `experiment`."""
    torch.manual_seed(seed)
    shapes = JointReadings.of(workshop.corpus, experiment.student, experiment.views).shapes
    student = build_any_network(experiment.student, shapes, len(workshop.corpus.classes))
    teacher = workshop.teacher(experiment, TEACHER, PART).network
    division = workshop.division(experiment)
    return Ground(
        student,
        Embedding(student.feature_channels, teacher.feature_channels),
        teacher,
        Pairs(workshop, experiment, division.train, augment=True),
        Pairs(workshop, experiment, division.validation, augment=False),
    )


class Pairs(Dataset[Item]):
    """Sensor and skeleton of a sample, augmented anew whenever one is asked for."""

    def __init__(
        self, workshop: Workshop, experiment: Experiment, samples: np.ndarray, *, augment: bool
    ) -> None:
        self.corpus, self.views, self.samples = workshop.corpus, experiment.views, samples
        networks = experiment.student, teacher_network(experiment.teachers[TEACHER])
        self.networks = cast(tuple[NetworkSettings, NetworkSettings], networks)
        self.augment = augment

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Item:
        """Return ((sensor (6, T), skeleton (3, T, J)), class)."""
        sample = int(self.samples[index])
        sensor, skeleton = self.read(sample, self.number())
        return (sensor, skeleton), int(self.corpus.labels[sample])

    def number(self) -> int:
        """Draw the number of a view."""
        return int(torch.randint(1, self.views.count + 1, ())) if self.augment else 0

    def read(self, sample: int, number: int) -> list[np.ndarray]:
        """Return what each network reads."""
        view = view_of(self.views, self.corpus.sample_ids[sample], number)
        return [
            read(self.corpus.frames(sample, network.modality), network, view)
            for network in self.networks
        ]


class KeptPairs(Pairs):
    """The same; what was made once under one of the views is kept in memory, as fckd keeps it."""

    def __init__(
        self, workshop: Workshop, experiment: Experiment, samples: np.ndarray, *, augment: bool
    ) -> None:
        super().__init__(workshop, experiment, samples, augment=augment)
        self.kept = [Readings(self.corpus, network, self.views) for network in self.networks]

    def read(self, sample: int, number: int) -> list[np.ndarray]:
        """Return what each network reads."""
        place = np.array([sample]), np.array([number])
        return [readings.batch(*place)[0] for readings in self.kept]


class Reading(nn.Module):
    """A network that takes what it reads out of a batch (sensor, skeleton), and says its logits."""

    def __init__(self, network: ActionNetwork, place: int, embedding: Embedding | None) -> None:
        super().__init__()
        self.network, self.place = network, place
        self.embedding: nn.Module = nn.Identity() if embedding is None else embedding

    def forward(self, batch: tuple[Tensor, Tensor]) -> Tensor:
        """Return logits; `embedding` has been called with the feature map."""
        logits, features = self.network(batch[self.place])
        self.embedding(features)
        return logits
