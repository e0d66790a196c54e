"""Measuring a network on the evaluation view of a split."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from fckd.models.network import ActionNetwork
from fckd.train.ahead import ahead, reading_threads
from fckd.train.inputs import inputs
from fckd.train.study import Study
from fckd.train.world import World

BATCH = 64


@dataclass(frozen=True)
class Evaluation:
    """What a network says about every sample of a split.

    Attributes:
        split: `validation` or `test`.
        samples: (S,) int64, indices into the corpus.
        labels: (S,) int64.
        logits: (S, classes) float32, on the CPU.
    """

    split: str
    samples: np.ndarray
    labels: np.ndarray
    logits: Tensor

    @property
    def predictions(self) -> np.ndarray:
        """The most probable class of each sample, (S,) int64."""
        return self.logits.argmax(dim=1).numpy()

    @property
    def accuracy(self) -> float:
        """Top-1 accuracy in [0, 1]."""
        return float((self.predictions == self.labels).mean())

    @property
    def metrics(self) -> dict[str, float]:
        """Accuracy and cross-entropy under the split's name."""
        loss = F.cross_entropy(self.logits, torch.from_numpy(self.labels))
        return {
            f"{self.split}/accuracy": self.accuracy,
            f"{self.split}/cross_entropy": float(loss),
        }

    @property
    def confusion(self) -> tuple[tuple[int, ...], ...]:
        """Counts (classes, classes); a row is a true class, a column a predicted one."""
        classes = self.logits.shape[1]
        pairs = np.bincount(self.labels * classes + self.predictions, minlength=classes**2)
        return tuple(tuple(row) for row in pairs.reshape(classes, classes).tolist())


@torch.no_grad()
def evaluate(
    network: ActionNetwork, study: Study, device: torch.device, world: World
) -> Evaluation:
    """Measure `network` on `study.measure`, shared among the ranks; every rank gets the whole."""
    network.eval()
    logits = torch.zeros(len(study.measure), study.classes, device=device)
    mine = np.arange(world.rank, len(study.measure), world.size)
    at_once = min(BATCH, study.training.micro_batch or BATCH)
    chunks = [mine[start : start + at_once] for start in range(0, len(mine), at_once)]

    def read(rows: np.ndarray) -> tuple[Tensor, ...]:
        samples = study.measure[rows]
        return inputs(study.readings, samples, np.zeros_like(samples), device)

    given = ahead(chunks, read, reading_threads(device))
    for rows, tensors in zip(chunks, given, strict=True):
        logits[torch.from_numpy(rows)] = network(*tensors).logits.float()
    everything = world.sum(logits).cpu()
    return Evaluation(study.split, study.measure, study.labels[study.measure], everything)
