"""Where a batch's lessons come from: a store of frozen teachers, or teachers that learn too."""

from collections.abc import Mapping

import torch
from torch import Tensor
from torch.nn import functional as F

from fckd.config.experiment import Criterion
from fckd.distill.lesson import Lesson, lesson
from fckd.distill.objective import Term
from fckd.distill.precision import at_least_float32
from fckd.distill.saliency import Evidence, saliency
from fckd.errors import UserError
from fckd.models.network import ActionNetwork, NetworkOutput
from fckd.train.batches import Batch
from fckd.train.lessons import Wish
from fckd.train.study import Companion, Study


def require_rankable(criterion: Criterion, network: ActionNetwork, tap: str) -> None:
    """Refuse a teacher whose channels `criterion` cannot rank.

    Raises:
        UserError: It asks for evidence that the map at `tap` does not give.
    """
    if criterion is Criterion.CAM and network.class_weights is None:
        raise UserError(
            f"focal.criterion: cam, of a teacher tapped at {tap!r}",
            "a tap whose channels' means are what the linear classifier reads",
            "choose another focal.criterion, or tap: last",
        )


def stored_lessons(study: Study, batch: Batch, device: torch.device) -> dict[str, Lesson]:
    """Return what the frozen teachers said of a batch, by teacher."""
    objective = study.objective
    focal = study.focal if objective.uses_features else None
    wish = Wish(focal, objective.uses_whole_maps, batch.whole)
    return {
        name: store.read(batch.samples, batch.views, wish, device)
        for name, store in study.lessons.items()
    }


def live_lessons(
    study: Study,
    networks: Mapping[str, ActionNetwork],
    outputs: Mapping[str, NetworkOutput],
    labels: Tensor,
) -> dict[str, Lesson]:
    """Return what the companions say now, as lessons; no gradient goes back through them."""
    if not study.objective.uses_features:
        return {name: Lesson(output.logits.detach()) for name, output in outputs.items()}
    whole = study.objective.uses_whole_maps
    lessons = {}
    for name, output in outputs.items():
        features = output.features.detach()
        evidence = Evidence(labels, networks[name].class_weights, None, None)
        ranked = saliency(study.focal.criterion, features.flatten(2), evidence)
        lessons[name] = lesson(output.logits, features, ranked, study.focal, whole=whole)
    return lessons


def companion_terms(
    companions: Mapping[str, Companion], outputs: Mapping[str, NetworkOutput], labels: Tensor
) -> dict[str, Term]:
    """Return the companions' own cross-entropies, as terms `cross_entropy/NAME` of weight 1."""
    terms = {}
    for name, output in outputs.items():
        wide, smoothing = at_least_float32(output.logits), companions[name].label_smoothing
        value = F.cross_entropy(wide, labels, label_smoothing=smoothing)
        terms[f"cross_entropy/{name}"] = Term(1.0, value)
    return terms
