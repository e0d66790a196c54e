"""One step of training: forward and backward passes of a batch, and the optimiser's move."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from fckd.distill.objective import CROSS_ENTROPY, Objective, Term, total
from fckd.errors import TrainingError
from fckd.train.material import Material
from fckd.train.mixup import blended
from fckd.train.module import DistillationModule, Said
from fckd.train.sight import sight
from fckd.train.stages import teachers_teach
from fckd.train.study import Study
from fckd.train.teaching import companion_terms, live_lessons
from fckd.train.world import World


@dataclass(frozen=True)
class Told:
    """What a step tells of this rank's share of its batch, as tensors where it ran.

    Attributes:
        names: `train/TERM`, `agreement/TEACHER`, `overlap/TEACHER`.
        values: (names,) float32, means over the share.
        weights: By term, of all terms that make up the loss.
        measured: The terms whose gradients were measured; none in most steps.
        norms: (measured,) of their weighted gradients at the student's outputs, in the first part.
    """

    names: tuple[str, ...]
    values: Tensor
    weights: Mapping[str, float]
    measured: tuple[str, ...]
    norms: Tensor


class Step:
    """The step of one study.

    Args:
        study: What is learnt.
        module: What learns.
        parallel: The same, as `World.parallel` returns it.
        optimizer: Of its parameters.
        device: Where it is.
        world: The ranks.
    """

    def __init__(
        self,
        study: Study,
        module: DistillationModule,
        parallel: nn.Module,
        optimizer: torch.optim.Optimizer,
        device: torch.device,
        world: World,
    ) -> None:
        self._study, self._module, self._parallel = study, module, parallel
        self._optimizer, self._device, self._world = optimizer, device, world
        smoothing = study.training.label_smoothing
        self._objective = Objective(study.objective, study.weighting, smoothing)

    def __call__(self, parts: Sequence[Material], epoch: int, *, measured: bool) -> Told:
        """Learn from a batch.

        Args:
            parts: Of this rank's share of it.
            epoch: Counted from 1; weights may change with it.
            measured: Whether gradients of single terms are measured too.

        Raises:
            TrainingError: In a measured step: no gradient of a weighted term reaches the student.
        """
        self._optimizer.zero_grad(set_to_none=True)
        sums: dict[str, Tensor] = {}
        names: tuple[str, ...] = ()
        norms = torch.empty(0, device=self._device)
        for part in parts:
            with self._world.together(self._parallel, now=part is parts[-1]):
                terms, said, seen = self._forward(part, epoch)
                if measured and part is parts[0]:
                    names, norms = tuple(terms), _norms(terms, said)
                    self._require_gradients(terms, epoch)
                terms |= companion_terms(self._study.companions, said.companions, part.labels)
                (part.share * total(terms)).backward()
            seen |= {f"train/{name}": term.value.detach() for name, term in terms.items()}
            for name, value in seen.items():
                mine = part.share * value
                sums[name] = sums[name] + mine if name in sums else mine
        self._optimizer.step()
        weights = {name: term.weight for name, term in terms.items()}
        return Told(tuple(sums), torch.stack(list(sums.values())), weights, names, norms)

    def _forward(
        self, part: Material, epoch: int
    ) -> tuple[dict[str, Term], Said, dict[str, Tensor]]:
        study = self._study
        half = study.training.precision == "bfloat16"
        with torch.autocast(self._device.type, torch.bfloat16, enabled=half):
            said: Said = self._parallel(part.readings, part.others)
        lessons = part.lessons
        if self._module.taught and said.companions:
            lessons = live_lessons(
                study, self._module.companion_networks, said.companions, part.labels
            )
        seen = sight(said.student, lessons, focal=study.objective.uses_focal)
        terms = self._objective(said.student, lessons, part.labels, epoch)
        if part.partners is not None:
            others = part.partners
            of_partners = self._objective(said.student, others.lessons, others.labels, epoch)
            terms = blended(terms, of_partners, part.own)
        return terms, said, seen

    def _require_gradients(self, terms: Mapping[str, Term], epoch: int) -> None:
        """Refuse a term that teaches nothing, in the first epoch in which it counts."""
        parameters = list(self._module.student.parameters())
        for name in [name for name in terms if not self._counted_before(name, epoch)]:
            term = terms[name]
            norm = float(self._world.sum(_norm(term.weight * term.value, parameters)))
            if norm == 0:
                raise TrainingError(
                    f"the term {name} has weight {term.weight:g}, but no gradient reaches the "
                    "student at step 1: it would silently teach nothing"
                )

    def _counted_before(self, name: str, epoch: int) -> bool:
        # Asked of the epoch, not remembered: a resumed run does not prove its terms once more, for
        # by then a term may have faded, or be learnt so well, that its gradient rounds to 0.
        stages = self._study.stages
        return epoch > 1 and (name == CROSS_ENTROPY or teachers_teach(stages, epoch - 1))


def _norms(terms: Mapping[str, Term], said: Said) -> Tensor:
    outputs = [said.student.logits, said.student.features]
    return torch.stack([_norm(term.weight * term.value, outputs) for term in terms.values()])


def _norm(value: Tensor, inputs: Sequence[Tensor]) -> Tensor:
    found = torch.autograd.grad(value, inputs, retain_graph=True, allow_unused=True)
    squares = [gradient.square().sum() for gradient in found if gradient is not None]
    return torch.stack(squares).sum().sqrt() if squares else value.new_zeros(())
