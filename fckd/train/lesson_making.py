"""Running a frozen teacher once over every (sample, view) that a student may see."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch

from fckd.config.experiment import Criterion
from fckd.data.joint_readings import JointReadings
from fckd.distill.focal import descending, gather_channels
from fckd.distill.saliency import Evidence, saliency
from fckd.models.network import NetworkOutput
from fckd.train.ahead import ahead, reading_threads
from fckd.train.inputs import inputs
from fckd.train.lessons import LessonRows, LessonShape
from fckd.train.teachers import Teacher
from fckd.train.teaching import require_rankable

BLOCK_BYTES = 64 * 2**20
"""Of features, at most, which are in memory at a time."""
BATCH = 64
HALF_BYTES = 2


@dataclass
class LessonMaker:
    """Makes the rows of a lesson store, any of them in any order.

    Attributes:
        samples: (S,) corpus indices; each gives `views` consecutive rows.
    """

    teacher: Teacher
    readings: JointReadings
    labels: np.ndarray
    samples: np.ndarray
    views: int
    criterion: Criterion
    device: torch.device

    def __post_init__(self) -> None:
        require_rankable(self.criterion, self.teacher.network, self.teacher.settings.tap)

    @property
    def total(self) -> int:
        """Number of rows of the whole store."""
        return len(self.samples) * self.views

    @cached_property
    def shape(self) -> LessonShape:
        """The shape of a row, found by reading one sample."""
        output = self._run(self._read(self.samples[:1], np.zeros(1, dtype=np.int64)))
        _, channels, *grid = output.features.shape
        return LessonShape(output.logits.shape[1], channels, tuple(grid))

    def blocks(self) -> list[range]:
        """Return all rows in order, cut into blocks that fit in memory."""
        shape = self.shape
        row_bytes = HALF_BYTES * shape.channels * shape.positions
        size = max(1, min(self.total, BLOCK_BYTES // row_bytes))
        return [range(start, min(start + size, self.total)) for start in range(0, self.total, size)]

    def rows(self, block: range) -> LessonRows:
        """Return the rows of a block."""
        at_once = min(BATCH, self.teacher.settings.training.micro_batch or BATCH)
        parts = [block[at : at + at_once] for at in range(0, len(block), at_once)]
        given = ahead(parts, self._read_rows, reading_threads(self.device))
        generator = self._generator_at(block.start)
        made = [
            self._batch(self._pairs(part)[0], read, generator)
            for part, read in zip(parts, given, strict=True)
        ]
        return LessonRows(
            np.concatenate([part.logits for part in made]),
            np.concatenate([part.features for part in made]),
            np.concatenate([part.permutation for part in made]),
            np.concatenate([part.saliency for part in made]),
        )

    def _pairs(self, rows: range) -> tuple[np.ndarray, np.ndarray]:
        """Return sample and view of each row."""
        numbers = np.arange(rows.start, rows.stop)
        return self.samples[numbers // self.views], numbers % self.views + 1

    def _generator_at(self, row: int) -> torch.Generator:
        """Return the source of the random control: drawn once per lesson, in the rows' order."""
        generator = torch.Generator().manual_seed(0)
        if self.criterion is Criterion.RANDOM:
            for _ in range(row):
                torch.rand(self.shape.channels, generator=generator)
        return generator

    def _batch(
        self, samples: np.ndarray, read: tuple[torch.Tensor, ...], generator: torch.Generator
    ) -> LessonRows:
        labels = torch.from_numpy(self.labels[samples]).to(self.device)
        if self.criterion is Criterion.GRADIENT:
            output, gradient = self._run_with_gradient(read, labels)
        else:
            output, gradient = self._run(read), None
        features = output.features.flatten(2)
        weights = self.teacher.network.class_weights
        evidence = Evidence(labels, weights, gradient, generator)
        ranked = saliency(self.criterion, features, evidence)
        permutation = descending(ranked)
        return LessonRows(
            output.logits.float().cpu().numpy(),
            gather_channels(features, permutation).half().cpu().numpy(),
            permutation.to(torch.int16).cpu().numpy(),
            ranked.gather(1, permutation).cpu().numpy(),
        )

    @torch.no_grad()
    def _run(self, read: tuple[torch.Tensor, ...]) -> NetworkOutput:
        return self.teacher.network(*read)

    def _run_with_gradient(
        self, read: tuple[torch.Tensor, ...], labels: torch.Tensor
    ) -> tuple[NetworkOutput, torch.Tensor]:
        # The teacher is frozen: what it reads must ask for the gradient.
        logits, features = self.teacher.network(*(tensor.requires_grad_() for tensor in read))
        evidence = logits.gather(1, labels.unsqueeze(1)).sum()
        (gradient,) = torch.autograd.grad(evidence, features)
        return NetworkOutput(logits.detach(), features.detach()), gradient.flatten(2)

    def _read_rows(self, rows: range) -> tuple[torch.Tensor, ...]:
        return self._read(*self._pairs(rows))

    def _read(self, samples: np.ndarray, views: np.ndarray) -> tuple[torch.Tensor, ...]:
        return inputs(self.readings, samples, views, self.device)
