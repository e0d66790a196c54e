"""The training loop, as a generator of epoch results: whoever runs it decides when to stop."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from fckd.distill.embedding import Embedding
from fckd.distill.objective import Objective, Term, total
from fckd.errors import TrainingError
from fckd.models.fusion.table import build_any_network
from fckd.models.hallucination import HallucinationNetwork
from fckd.models.network import ActionNetwork
from fckd.models.pretrained import load_pretrained
from fckd.train.batches import batches_per_epoch
from fckd.train.evaluation import Evaluation, evaluate
from fckd.train.material import Material, materials
from fckd.train.mixup import blended
from fckd.train.module import DistillationModule, Said
from fckd.train.schedule import learning_rate
from fckd.train.sight import gradient_shares, sight
from fckd.train.stages import stage_of, teachers_teach
from fckd.train.study import Companion, Study
from fckd.train.teaching import companion_terms, live_lessons
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
) -> Iterator[EpochResult]:
    """Train `study.network` epoch by epoch, under torch's process group if there is one.

    Args:
        study: What to learn, from whom.
        device: Where; the CPU if not given.
        resume: A checkpoint of the same study and number of ranks; the run goes on bit-equal.

    Raises:
        TrainingError: A metric is not finite, or a weighted term has no gradient at step 1.
    """
    run = _Run(study, device or torch.device("cpu"), World())
    first = 1 if resume is None else run.restore(resume) + 1
    for epoch in range(first, study.training.epochs + 1):
        yield run.epoch(epoch)


class _Run:
    def __init__(self, study: Study, device: torch.device, world: World) -> None:
        self.study, self.device, self.world = study, device, world
        # Seeded before the student is built, so that runs which differ in their terms are paired.
        torch.manual_seed(study.training.seed)
        self.student = _network(study, study.classes)
        self.companions = _companions(study)
        self.embeddings = _embeddings(study, self.student, self.companions)
        self.module = DistillationModule(self.student, self.embeddings, self.companions).to(device)
        self.parallel = world.parallel(self.module, device, staged=study.stages is not None)
        self.optimizer = _optimizer(self.module, study)
        smoothing = study.training.label_smoothing
        self.objective = Objective(study.objective, study.weighting, smoothing)
        self.proved: set[str] = set()

    def restore(self, checkpoint: Checkpoint) -> int:
        self.module.load_state_dict(checkpoint["module"])
        self.optimizer.load_state_dict(checkpoint["optimizer"])
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
        steps = batches_per_epoch(self.study)
        sums: dict[str, Tensor] = {}
        gradients: dict[str, float] = {}
        given = materials(self.study, epoch, self.world, self.device, taught=self.module.taught)
        for number, parts in enumerate(given):
            step = (epoch - 1) * steps + number
            for group in self.optimizer.param_groups:
                group["lr"] = learning_rate(self.study.training, step, steps)
            self.optimizer.zero_grad(set_to_none=True)
            for part in parts:
                with self.world.together(self.parallel, now=part is parts[-1]):
                    terms, said, seen = self._forward(part, epoch)
                    if number == 0 and part is parts[0]:
                        gradients = self._gradients(terms, said)
                        self._require_gradients(terms)
                    terms |= companion_terms(said.companions, part.labels)
                    (part.share * total(terms)).backward()  # type: ignore[no-untyped-call]
                seen |= {f"train/{name}": term.value.detach() for name, term in terms.items()}
                for name, value in seen.items():
                    sums[name] = sums.get(name, 0.0) + part.share * value
            self.optimizer.step()
        return self._means(sums, terms, steps) | gradients

    def _forward(
        self, part: Material, epoch: int
    ) -> tuple[dict[str, Term], Said, dict[str, Tensor]]:
        half = self.study.training.precision == "bfloat16"
        with torch.autocast(self.device.type, torch.bfloat16, enabled=half):
            said: Said = self.parallel(part.readings, part.others)
        lessons = part.lessons
        if self.module.taught and said.companions:
            lessons = live_lessons(self.study, self.companions, said.companions, part.labels)
        seen = sight(said.student, lessons, focal=self.study.objective.uses_focal)
        terms = self.objective(said.student, lessons, part.labels, epoch)
        if part.partners is not None:
            others = part.partners
            of_partners = self.objective(said.student, others.lessons, others.labels, epoch)
            terms = blended(terms, of_partners, part.own)
        return terms, said, seen

    def _gradients(self, terms: Mapping[str, Term], said: Said) -> dict[str, float]:
        outputs = [said.student.logits, said.student.features]
        local = torch.stack([_norm(t.weight * t.value, outputs) for t in terms.values()])
        # Each rank holds other samples of the batch: their gradients are one vector's parts.
        whole = self.world.sum(local.square()).sqrt().div(self.world.size).tolist()
        norms = dict(zip(terms, whole, strict=True))
        return {f"gradient/{name}": norm for name, norm in norms.items()} | gradient_shares(norms)

    def _require_gradients(self, terms: Mapping[str, Term]) -> None:
        """Refuse a term that teaches nothing, at the first step in which it counts."""
        parameters = list(self.student.parameters())
        for name in [name for name in terms if name not in self.proved]:
            term = terms[name]
            norm = float(self.world.sum(_norm(term.weight * term.value, parameters)))
            if norm == 0:
                raise TrainingError(
                    f"the term {name} has weight {term.weight:g}, but no gradient reaches the "
                    "student at step 1: it would silently teach nothing"
                )
            self.proved.add(name)

    def _means(
        self, sums: Mapping[str, Tensor], terms: Mapping[str, Term], steps: int
    ) -> dict[str, float]:
        stacked = torch.stack(list(sums.values()))
        values = self.world.sum(stacked).div(steps * self.world.size).tolist()
        means: dict[str, float] = dict(zip(sums, values, strict=True))
        loss = sum(term.weight * means[f"train/{name}"] for name, term in terms.items())
        return means | {"train/loss": loss}


def _require_finite(metrics: Mapping[str, float], epoch: int) -> None:
    broken = [name for name, value in metrics.items() if not math.isfinite(value)]
    if broken:
        raise TrainingError(f"not finite in epoch {epoch}: {', '.join(broken)}")


def _norm(value: Tensor, inputs: Sequence[Tensor]) -> Tensor:
    found = torch.autograd.grad(value, inputs, retain_graph=True, allow_unused=True)
    squares = [gradient.square().sum() for gradient in found if gradient is not None]
    return torch.stack(squares).sum().sqrt() if squares else value.new_zeros(())


def _network(learner: Study | Companion, classes: int) -> ActionNetwork:
    """Return a network with fresh weights, or with the pretrained ones that it begins with."""
    network = build_any_network(learner.network, learner.readings.shapes, classes)
    if learner.weights is not None:
        load_pretrained(network, learner.weights)
    return network


def _companions(study: Study) -> dict[str, ActionNetwork]:
    return {
        name: _network(companion, study.classes) for name, companion in study.companions.items()
    }


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


def _optimizer(module: nn.Module, study: Study) -> torch.optim.Optimizer:
    """AdamW; weight decay on matrices and kernels only, as is usual."""
    decayed = [p for p in module.parameters() if p.ndim > 1]
    rest = [p for p in module.parameters() if p.ndim <= 1]
    groups = [
        {"params": decayed, "weight_decay": study.training.weight_decay},
        {"params": rest, "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(groups, lr=study.training.learning_rate, fused=True)
