"""Running a frozen teacher once over every (sample, view) that a student may see."""

from collections.abc import Iterator
from dataclasses import dataclass, field

import numpy as np
import torch

from fckd.config.experiment import Criterion
from fckd.data.joint_readings import JointReadings
from fckd.distill.focal import descending, gather_channels
from fckd.distill.saliency import Evidence, saliency
from fckd.errors import UserError
from fckd.models.network import NetworkOutput
from fckd.train.ahead import ahead, reading_threads
from fckd.train.inputs import inputs
from fckd.train.lessons import LessonRows, LessonShape
from fckd.train.teachers import Teacher

SHARD_BYTES = 64 * 2**20
BATCH = 64
HALF_BYTES = 2


@dataclass
class LessonMaker:
    """Makes the rows of a lesson store, shard by shard.

    Attributes:
        samples: (S,) corpus indices; each gives `views` consecutive rows.
        done: Rows made so far, for a progress bar.
    """

    teacher: Teacher
    readings: JointReadings
    labels: np.ndarray
    samples: np.ndarray
    views: int
    criterion: Criterion
    device: torch.device
    done: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        # The random control is drawn once per lesson, in row order: the same for every trial.
        self._generator = torch.Generator().manual_seed(0)
        if self.criterion is Criterion.CAM and self.teacher.network.class_weights is None:
            raise UserError(
                f"focal.criterion: cam, of a teacher tapped at {self.teacher.settings.tap!r}",
                "a tap whose channels' means are what the linear classifier reads",
                "choose focal.criterion gradient, or tap: last",
            )

    @property
    def total(self) -> int:
        """Number of rows of the whole store."""
        return len(self.samples) * self.views

    def shape(self) -> LessonShape:
        """Return the shape of a row, found by reading one sample."""
        output = self._run(self._read(self.samples[:1], np.zeros(1, dtype=np.int64)))
        _, channels, *grid = output.features.shape
        return LessonShape(output.logits.shape[1], channels, tuple(grid))

    def shards(self) -> Iterator[LessonRows]:
        """Yield the rows in order, as many as fit in a shard at a time."""
        shape = self.shape()
        row_bytes = HALF_BYTES * shape.channels * shape.positions
        size = max(1, min(self.total, SHARD_BYTES // row_bytes))
        samples = np.repeat(self.samples, self.views)
        views = np.tile(np.arange(1, self.views + 1), len(self.samples))
        for start in range(0, self.total, size):
            yield self._shard(samples[start : start + size], views[start : start + size])

    def _shard(self, samples: np.ndarray, views: np.ndarray) -> LessonRows:
        starts = range(0, len(samples), BATCH)
        chunks = [(samples[at : at + BATCH], views[at : at + BATCH]) for at in starts]
        parts = []
        given = ahead(chunks, lambda chunk: self._read(*chunk), reading_threads(self.device))
        for (chunk, _), read in zip(chunks, given, strict=True):
            parts.append(self._batch(chunk, read))
            self.done += len(chunk)
        return LessonRows(
            np.concatenate([part.logits for part in parts]),
            np.concatenate([part.features for part in parts]),
            np.concatenate([part.permutation for part in parts]),
            np.concatenate([part.saliency for part in parts]),
        )

    def _batch(self, samples: np.ndarray, read: tuple[torch.Tensor, ...]) -> LessonRows:
        labels = torch.from_numpy(self.labels[samples]).to(self.device)
        if self.criterion is Criterion.GRADIENT:
            output, gradient = self._run_with_gradient(read, labels)
        else:
            output, gradient = self._run(read), None
        features = output.features.flatten(2)
        weights = self.teacher.network.class_weights
        evidence = Evidence(labels, weights, gradient, self._generator)
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

    def _read(self, samples: np.ndarray, views: np.ndarray) -> tuple[torch.Tensor, ...]:
        return inputs(self.readings, samples, views, self.device)
