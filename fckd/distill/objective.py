"""The objective: cross-entropy and the weighted terms, each reported apart."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from torch import Tensor
from torch.nn import functional as F

from fckd.config.experiment import WeightingSettings
from fckd.config.objective import ObjectiveSettings
from fckd.distill.focal import gather_channels
from fckd.distill.lesson import Lesson
from fckd.distill.precision import at_least_float32
from fckd.distill.table import EMBEDDED, FOCAL, LOGITS, MERGED, TERMS
from fckd.distill.weighting import teacher_shares

CROSS_ENTROPY = "cross_entropy"


@dataclass(frozen=True)
class Term:
    """One addend of the objective: its weight and its value before weighting."""

    weight: float
    value: Tensor


@dataclass(frozen=True)
class Answer:
    """What the student says about a batch.

    Attributes:
        logits: (N, classes).
        features: (N, C_student, *grid), its own feature map.
        embedded: For each teacher (N, C_teacher, *grid of the student); empty if no term needs it.
    """

    logits: Tensor
    features: Tensor
    embedded: Mapping[str, Tensor]


class Objective:
    """Cross-entropy + Σ_terms weight · Σ_teachers mean over samples of share · value.

    Terms of weight 0 are not computed. Every term is a mean over samples, so the mean over equal
    shares of a batch is the value of the whole batch. Exceptions see their own rank's share of the
    batch alone, or the part of it that is in memory: terms that relate samples to each other, and
    the reduction `per_sample_and_channel` (`ObjectiveSettings.relates_samples`).

    Args:
        settings: Weights, schedules and temperatures.
        weighting: Of several teachers.
        label_smoothing: Of the cross-entropy, in [0, 1).
    """

    def __init__(
        self,
        settings: ObjectiveSettings,
        weighting: WeightingSettings | None = None,
        label_smoothing: float = 0.0,
    ) -> None:
        self.settings = settings
        self.weighting = weighting or WeightingSettings()
        self.label_smoothing = label_smoothing
        self._losses = {name: TERMS[name](term) for name, term in settings.active()}

    def __call__(
        self, answer: Answer, lessons: Mapping[str, Lesson], labels: Tensor, epoch: int = 1
    ) -> dict[str, Term]:
        """Return the terms by name: `cross_entropy`, `logits`, `correlation/TEACHER`, ….

        Args:
            answer: The student's.
            lessons: For each teacher; none for a student that learns alone.
            labels: (N,) int64.
            epoch: Counted from 1; weights may change with it.
        """
        wide = at_least_float32(answer.logits)
        value = F.cross_entropy(wide, labels, label_smoothing=self.label_smoothing)
        terms = {CROSS_ENTROPY: Term(1.0, value)}
        if lessons:
            taught = {name: lesson.logits for name, lesson in lessons.items()}
            shares = teacher_shares(self.weighting, taught, labels)
            focal = self._focal(answer, lessons)
            for name, settings in self.settings.active():
                weight = settings.weight_at(epoch)
                for place, value in self._values(name, answer, focal, lessons, labels, shares):
                    terms[place] = Term(weight, value)
        return terms

    def _focal(self, answer: Answer, lessons: Mapping[str, Lesson]) -> dict[str, Tensor]:
        """Return the student's focal channels (N, K, *grid) by teacher, for all terms on them."""
        if not self.settings.uses_focal:
            return {}
        return {
            name: gather_channels(answer.embedded[name], lesson.focal_part()[1])
            for name, lesson in lessons.items()
        }

    def _values(
        self,
        name: str,
        answer: Answer,
        focal: Mapping[str, Tensor],
        lessons: Mapping[str, Lesson],
        labels: Tensor,
        shares: Tensor,
    ) -> Iterator[tuple[str, Tensor]]:
        if name in MERGED:
            taught = [lesson.logits for lesson in lessons.values()]
            yield name, self._losses[name](answer.logits, taught, shares).mean()
            return
        for column, (teacher, lesson) in enumerate(lessons.items()):
            value = self._value(name, answer, focal, teacher, lesson, labels)
            yield f"{name}/{teacher}", _shared(value, shares[:, column])

    def _value(
        self,
        name: str,
        answer: Answer,
        focal: Mapping[str, Tensor],
        teacher: str,
        lesson: Lesson,
        labels: Tensor,
    ) -> Tensor:
        loss = self._losses[name]
        value: Tensor
        if name in LOGITS:
            value = loss(answer.logits, lesson.logits, labels)
        elif name in FOCAL:
            features, _ = lesson.focal_part()
            value = loss(focal[teacher], features, lesson.emphasis)
        elif name in EMBEDDED:
            value = loss(answer.embedded[teacher], lesson.whole())
        else:
            value = loss(answer.features, lesson.whole())
        return value


def total(terms: Mapping[str, Term]) -> Tensor:
    """Return the weighted sum of `terms`, a scalar."""
    weighted = [term.weight * term.value for term in terms.values()]
    return sum(weighted[1:], start=weighted[0])


def _shared(value: Tensor, share: Tensor) -> Tensor:
    """Return the mean over samples of share · value; a value of the whole batch counts at each."""
    return (share * value).mean() if value.ndim else share.mean() * value
