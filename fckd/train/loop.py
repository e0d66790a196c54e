"""The training loop, as a generator of epoch results: whoever runs it decides when to stop."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from fckd.distill.embedding import Embedding
from fckd.errors import TrainingError
from fckd.models.fusion.table import build_any_network
from fckd.models.hallucination import HallucinationNetwork
from fckd.models.network import ActionNetwork
from fckd.models.pretrained import load_pretrained
from fckd.train.batches import batches_per_epoch
from fckd.train.compiling import compiled
from fckd.train.evaluation import Evaluation, evaluate
from fckd.train.graphs import GraphedSteps, may_be_graphed
from fckd.train.material import Material, materials
from fckd.train.module import DistillationModule
from fckd.train.optimizer import optimizer_of, restore_optimizer, set_learning_rate
from fckd.train.schedule import learning_rate
from fckd.train.sight import gradient_shares
from fckd.train.stages import stage_of, teachers_teach
from fckd.train.step import Step, Told
from fckd.train.study import Companion, Study
from fckd.train.teaching import require_rankable
from fckd.train.world import World

Checkpoint = Mapping[str, Any]
"""`epoch`, `module` and `optimizer`: what a run needs to go on bit-equal."""


@dataclass(frozen=True)
class EpochResult:
    """One finished epoch.

    Attributes:
        epoch: Counted from 1.
        metrics: `train/TERM`, `agreement/TEACHER` and `overlap/TEACHER` (see `sight`; of a mixed
            sample, with its own lesson), means over the epoch; `gradient/TERM` norms at the
            student's outputs in the epoch's first step, and `share/TERM`, their shares; the split's
            `…/accuracy` where it was measured; `seconds`.
        evaluation: The measurement, or None in an epoch without one.
        network: The student as it stands now (not a copy).
        embeddings: Of it, likewise, by teacher.
        checkpoint: Returns the state from which `distill` goes on.
    """

    epoch: int
    metrics: dict[str, float]
    evaluation: Evaluation | None
    network: ActionNetwork
    embeddings: Mapping[str, Embedding]
    checkpoint: Callable[[], Checkpoint]


def distill(
    study: Study,
    device: torch.device | None = None,
    resume: Checkpoint | None = None,
    world: World | None = None,
) -> Iterator[EpochResult]:
    """Train `study.network` epoch by epoch.

    Args:
        study: What to learn, from whom.
        device: Where; the CPU if not given.
        resume: A checkpoint of the same study and number of ranks; the run goes on bit-equal.
        world: The ranks that share the work; those of torch's process group if not given.

    Raises:
        UserError: The criterion cannot rank a companion's channels.
        TrainingError: A metric is not finite, or a weighted term has no gradient at step 1.
    """
    run = _Run(study, device or torch.device("cpu"), world or World())
    first = 1 if resume is None else run.restore(resume) + 1
    for epoch in range(first, study.training.epochs + 1):
        yield run.epoch(epoch)


class _Run:
    def __init__(self, study: Study, device: torch.device, world: World) -> None:
        self.study, self.device, self.world = study, device, world
        # Seeded before the student is built, so that runs which differ in their terms are paired.
        torch.manual_seed(study.training.seed)
        self.student = _network(study, study.classes)
        companions = _companions(study)
        self.embeddings = _embeddings(study, self.student, companions)
        answer = compiled(self.student, device) if study.training.compile else None
        self.module = DistillationModule(self.student, self.embeddings, companions, answer)
        self.module.to(device)
        self.parallel = world.parallel(self.module, device)
        self.optimizer = optimizer_of(self.module, study.training, device)
        self.step = Step(study, self.module, self.parallel, self.optimizer, device, world)
        graphed = self.device.type == "cuda" and self.world.size == 1 and may_be_graphed(study)
        self.graphed = GraphedSteps(self.step) if graphed else None

    def restore(self, checkpoint: Checkpoint) -> int:
        self.module.load_state_dict(checkpoint["module"])
        restore_optimizer(self.optimizer, checkpoint["optimizer"])
        epoch: int = checkpoint["epoch"]
        return epoch

    def checkpoint(self, epoch: int) -> Checkpoint:
        return {
            "epoch": epoch,
            "module": self.module.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def epoch(self, epoch: int) -> EpochResult:
        begun = time.perf_counter()
        # Dropout is a function of seed, epoch and rank: a resumed run needs no generator's state.
        torch.manual_seed(hash((self.study.training.seed, epoch, self.world.rank)) & 0x7FFFFFFF)
        if isinstance(self.student, HallucinationNetwork):
            self.student.stage = stage_of(self.study.stages, epoch)
        self.module.taught = teachers_teach(self.study.stages, epoch)
        metrics = self._train(epoch)
        _require_finite(metrics, epoch)
        self.world.share_buffers(self.module)
        last = epoch == self.study.training.epochs
        evaluation = None
        if last or self.study.measure_every_epoch:
            evaluation = evaluate(self.student, self.study, self.device, self.world)
            metrics |= evaluation.metrics
            _require_finite(evaluation.metrics, epoch)
        metrics["seconds"] = time.perf_counter() - begun
        return EpochResult(
            epoch,
            metrics,
            evaluation,
            self.student,
            self.embeddings,
            lambda: self.checkpoint(epoch),
        )

    def _train(self, epoch: int) -> dict[str, float]:
        self.module.train()
        self.parallel.train()
        training, steps = self.study.training, batches_per_epoch(self.study)
        given = materials(self.study, epoch, self.world, self.device, taught=self.module.taught)
        sums = torch.zeros((), device=self.device)
        gradients: dict[str, float] = {}
        for number, parts in enumerate(given):
            set_learning_rate(
                self.optimizer, learning_rate(training, (epoch - 1) * steps + number, steps)
            )
            told = self._step(parts, epoch, measured=number == 0)
            sums = sums + told.values
            if told.measured:
                gradients = self._gradients(told)
        return self._means(sums, told, steps) | gradients

    def _step(self, parts: Sequence[Material], epoch: int, *, measured: bool) -> Told:
        if self.graphed is None:
            return self.step(parts, epoch, measured=measured)
        weights = tuple(term.weight_at(epoch) for _, term in self.study.objective.active())
        stage = stage_of(self.study.stages, epoch)
        return self.graphed(parts, epoch, measured=measured, conditions=(weights, stage))

    def _gradients(self, told: Told) -> dict[str, float]:
        # Each rank holds other samples of the batch: their gradients are one vector's parts.
        whole = self.world.sum(told.norms.square()).sqrt().div(self.world.size).tolist()
        norms = dict(zip(told.measured, whole, strict=True))
        return {f"gradient/{name}": norm for name, norm in norms.items()} | gradient_shares(norms)

    def _means(self, sums: Tensor, told: Told, steps: int) -> dict[str, float]:
        values = self.world.sum(sums).div(steps * self.world.size).tolist()
        means: dict[str, float] = dict(zip(told.names, values, strict=True))
        loss = sum(weight * means[f"train/{name}"] for name, weight in told.weights.items())
        return means | {"train/loss": loss}


def _require_finite(metrics: Mapping[str, float], epoch: int) -> None:
    broken = [name for name, value in metrics.items() if not math.isfinite(value)]
    if broken:
        raise TrainingError(f"not finite in epoch {epoch}: {', '.join(broken)}")


def _network(learner: Study | Companion, classes: int) -> ActionNetwork:
    """Return a network with fresh weights, or with the pretrained ones that it begins with."""
    network = build_any_network(learner.network, learner.readings.shapes, classes)
    if learner.weights is not None:
        load_pretrained(network, learner.weights)
    return network


def _companions(study: Study) -> dict[str, ActionNetwork]:
    networks = {}
    for name, companion in study.companions.items():
        networks[name] = _network(companion, study.classes)
        if study.objective.uses_features:
            require_rankable(study.focal.criterion, networks[name], companion.network.tap)
    return networks


def _embeddings(
    study: Study, student: ActionNetwork, companions: Mapping[str, ActionNetwork]
) -> dict[str, Embedding]:
    if not study.objective.uses_embedding:
        return {}
    widths = {name: store.channels for name, store in study.lessons.items()}
    widths |= {name: network.feature_channels for name, network in companions.items()}
    return {
        name: Embedding(student.feature_channels, width, study.network.normalization)
        for name, width in widths.items()
    }
