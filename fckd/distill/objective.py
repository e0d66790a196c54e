"""The objective: cross-entropy and the weighted terms, each reported apart."""

from collections.abc import Mapping
from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

from fckd.config.objective import ObjectiveSettings
from fckd.distill.correlation import correlation_loss
from fckd.distill.distribution import distribution_loss
from fckd.distill.focal import gather_channels
from fckd.distill.grids import common_grid
from fckd.distill.logits import logit_loss
from fckd.distill.precision import at_least_float32

CROSS_ENTROPY = "cross_entropy"


@dataclass(frozen=True)
class Lesson:
    """What one teacher says about a batch of (sample, view) pairs.

    Attributes:
        logits: (N, classes) float32.
        features: (N, K, *grid) float, the K focal channels in descending saliency, or None where
            only logits are used.
        channels: (N, K) int64, which of the teacher's channels these are, or None likewise.
    """

    logits: Tensor
    features: Tensor | None = None
    channels: Tensor | None = None


@dataclass(frozen=True)
class Term:
    """One addend of the objective: its weight and its value before weighting."""

    weight: float
    value: Tensor


class Objective:
    """Cross-entropy + Σ_m (1/M)·(α·correlation_m + β·distribution_m) + γ·logits.

    Terms of weight 0 are not computed. Every term is a mean over samples, so the mean over equal
    shares of a batch is the value of the whole batch.

    Args:
        settings: Weights and temperatures.
        label_smoothing: Of the cross-entropy, in [0, 1).
    """

    def __init__(self, settings: ObjectiveSettings, label_smoothing: float = 0.0) -> None:
        self.settings = settings
        self.label_smoothing = label_smoothing

    def __call__(
        self,
        logits: Tensor,
        embedded: Mapping[str, Tensor],
        lessons: Mapping[str, Lesson],
        labels: Tensor,
    ) -> dict[str, Term]:
        """Return the terms by name: `cross_entropy`, `logits`, `correlation/TEACHER`, ….

        Args:
            logits: (N, classes), the student's.
            embedded: For each teacher (N, C_teacher, *grid of the student).
            lessons: For each teacher.
            labels: (N,) int64.
        """
        smoothing = self.label_smoothing
        wide = at_least_float32(logits)
        value = F.cross_entropy(wide, labels, label_smoothing=smoothing)
        terms = {CROSS_ENTROPY: Term(1.0, value)}
        if self.settings.logits.weight > 0:
            taught = [lesson.logits for lesson in lessons.values()]
            value = logit_loss(logits, taught, self.settings.logits.temperature)
            terms["logits"] = Term(self.settings.logits.weight, value)
        if self.settings.uses_features:
            for teacher, lesson in lessons.items():
                share = 1.0 / len(lessons)
                for name, term in self._feature_terms(embedded[teacher], lesson, share).items():
                    terms[f"{name}/{teacher}"] = term
        return terms

    def _feature_terms(self, embedded: Tensor, lesson: Lesson, share: float) -> dict[str, Term]:
        if lesson.features is None or lesson.channels is None:
            raise ValueError("a feature term needs a lesson with features")
        focal = gather_channels(embedded, lesson.channels)
        terms = {}
        correlation, distribution = self.settings.correlation, self.settings.distribution
        if correlation.weight > 0:
            value = correlation_loss(focal.flatten(2), lesson.features.flatten(2))
            terms["correlation"] = Term(share * correlation.weight, value)
        if distribution.weight > 0:
            student, teacher = common_grid(focal, lesson.features, distribution.positions)
            value = distribution_loss(student, teacher, distribution.temperature)
            terms["distribution"] = Term(share * distribution.weight, value)
        return terms


def total(terms: Mapping[str, Term]) -> Tensor:
    """Return the weighted sum of `terms`, a scalar."""
    weighted = [term.weight * term.value for term in terms.values()]
    return sum(weighted[1:], start=weighted[0])
