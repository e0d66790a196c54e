"""The terms of the objective: their weights, schedules, temperatures and reductions."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field

from fckd.config.base import Configuration, Temperature, Weight

Positions = Annotated[
    int, Field(ge=2, description="both sides are pooled to at most so many in time")
]
Reduction = Annotated[
    Literal["per_channel", "per_sample_and_channel", "per_entry"],
    Field(description="a sum over N samples and K channels is divided by N·K, N²·K or N·K²"),
]
LogitTemperature = Annotated[
    Temperature, Field(description="of the class probabilities of both sides")
]


class TermSettings(Configuration):
    """What every term has: a weight, and how it changes over the epochs."""

    weight: Weight = Field(0.0, description="beside cross-entropy's 1; 0: the term is off")
    warmup_epochs: int = Field(0, ge=0, description="the weight rises linearly over so many")
    decay: float = Field(1.0, gt=0, le=1, description="factor of the weight from epoch to epoch")

    def weight_at(self, epoch: int) -> float:
        """Return the weight in `epoch`, counted from 1."""
        rise = min(1.0, epoch / self.warmup_epochs) if self.warmup_epochs else 1.0
        return self.weight * rise * float(self.decay ** (epoch - 1))


class CorrelationSettings(TermSettings):
    """Correlations among the focal channels."""

    reduction: Reduction = "per_channel"


class DistributionSettings(TermSettings):
    """Distribution over positions inside each focal channel, or over the focal channels."""

    over: Literal["positions", "channels"] = Field(
        "positions",
        description="what the softmax is over; channels have no positions, no reduction",
    )
    temperature: Temperature = Field(4.0, description="of the softmax")
    positions: Positions = 8
    reduction: Reduction = "per_channel"


class LogitSettings(TermSettings):
    """Plain distillation of the teachers' averaged probabilities (KD, Hinton et al. 2015)."""

    temperature: LogitTemperature = 4.0


class DkdSettings(TermSettings):
    """Decoupled distillation (DKD, Zhao et al., CVPR 2022): α target + β non-target classes."""

    target: Weight = Field(1.0, description="α, weight of the true class against the rest")
    non_target: Weight = Field(8.0, description="β, weight of the others among themselves")
    temperature: LogitTemperature = 4.0


class DistSettings(TermSettings):
    """Relations between and within classes by Pearson correlation (DIST, Huang et al. 2022)."""

    inter: Weight = Field(1.0, description="β, weight of relations between classes")
    intra: Weight = Field(1.0, description="γ, weight of relations within a class, in the batch")
    temperature: LogitTemperature = 1.0


class FitnetSettings(TermSettings):
    """Feature regression (FitNet hints, Romero et al., ICLR 2015)."""

    positions: Positions = 8


class AttentionTransferSettings(TermSettings):
    """Maps of attention over positions (AT, Zagoruyko and Komodakis, ICLR 2017)."""

    power: float = Field(  # below 1 the gradient at 0 is infinite
        2.0, ge=1, description="p: a position's attention is the mean of |F|^p over channels"
    )
    positions: Positions = 8


class SimilarityPreservingSettings(TermSettings):
    """Similarities among the samples of a batch (SP, Tung and Mori, ICCV 2019)."""


class CorrelationCongruenceSettings(TermSettings):
    """Kernel correlations among samples (CC, Peng et al., ICCV 2019)."""

    gamma: float = Field(0.4, gt=0, description="γ of the kernel exp(-γ ‖a - b‖²)")
    order: int = Field(2, ge=1, le=8, description="P of the kernel's Taylor expansion")


class RelationalSettings(TermSettings):
    """Distances and angles among samples (RKD, Park et al., CVPR 2019)."""

    distance: Weight = Field(25.0, description="λ_d, weight of the distances")
    angle: Weight = Field(50.0, description="λ_a, weight of the angles")


class IckdSettings(TermSettings):
    """Correlations among all channels (ICKD, Liu et al., ICCV 2021)."""

    reduction: Reduction = "per_channel"


class CwdSettings(TermSettings):
    """Distribution over positions inside every channel (CWD, Shu et al., ICCV 2021)."""

    temperature: Temperature = Field(4.0, description="of the softmax")
    positions: Positions = 8
    reduction: Reduction = "per_channel"


class FgdSettings(TermSettings):
    """Features and channel attention (the channel part of FGD, Yang et al., CVPR 2022)."""

    temperature: Temperature = Field(0.5, description="of the channel attention")
    attention: Weight = Field(1.0, description="γ, weight of the attentions' difference")
    positions: Positions = 8


class ChannelDistillationSettings(TermSettings):
    """Means of the channels (CD, Zhou et al., ECCV workshops 2020)."""


class MarsSettings(TermSettings):
    """The classifier's inputs (MARS, Crasto et al., CVPR 2019)."""


class HallucinationSettings(TermSettings):
    """Rectified features through a sigmoid (Garcia et al., ECCV 2018)."""

    positions: Positions = 8


class ObjectiveSettings(Configuration):
    """The terms that are added to cross-entropy; a term of weight 0 is off."""

    correlation: CorrelationSettings = CorrelationSettings()
    distribution: DistributionSettings = DistributionSettings()
    logits: LogitSettings = LogitSettings()
    dkd: DkdSettings = DkdSettings()
    dist: DistSettings = DistSettings()
    fitnet: FitnetSettings = FitnetSettings()
    attention_transfer: AttentionTransferSettings = AttentionTransferSettings()
    similarity_preserving: SimilarityPreservingSettings = SimilarityPreservingSettings()
    correlation_congruence: CorrelationCongruenceSettings = CorrelationCongruenceSettings()
    relational: RelationalSettings = RelationalSettings()
    ickd: IckdSettings = IckdSettings()
    cwd: CwdSettings = CwdSettings()
    fgd: FgdSettings = FgdSettings()
    channel_distillation: ChannelDistillationSettings = ChannelDistillationSettings()
    mars: MarsSettings = MarsSettings()
    hallucination: HallucinationSettings = HallucinationSettings()

    def active(self) -> Iterator[tuple[str, TermSettings]]:
        """Yield name and settings of every term whose weight is not 0."""
        for name in type(self).model_fields:
            settings: TermSettings = getattr(self, name)
            if settings.weight > 0:
                yield name, settings

    @property
    def uses_focal(self) -> bool:
        """Whether a term reads the focal channels."""
        return self._uses(FOCAL_TERMS)

    @property
    def uses_whole_maps(self) -> bool:
        """Whether a term reads all channels of the teachers' feature maps."""
        return self._uses(EMBEDDED_TERMS) or self._uses(RAW_TERMS)

    @property
    def uses_features(self) -> bool:
        """Whether a term reads the teachers' feature maps."""
        return self.uses_focal or self.uses_whole_maps

    @property
    def uses_embedding(self) -> bool:
        """Whether a term reads the student's map embedded in a teacher's channels."""
        return self.uses_focal or self._uses(EMBEDDED_TERMS)

    @property
    def relates_samples(self) -> bool:
        """Whether a term's value depends on which samples are in memory together."""
        by_sample = "per_sample_and_channel"
        return self._uses(RELATIONAL_TERMS) or any(
            getattr(settings, "reduction", "") == by_sample for _, settings in self.active()
        )

    @property
    def uses_lessons(self) -> bool:
        """Whether a term reads anything of the teachers."""
        return any(True for _ in self.active())

    def _uses(self, terms: tuple[str, ...]) -> bool:
        return any(name in terms for name, _ in self.active())


RELATIONAL_TERMS = ("dist", "similarity_preserving", "correlation_congruence", "relational")
FOCAL_TERMS = ("correlation", "distribution")
EMBEDDED_TERMS = (
    "fitnet",
    "ickd",
    "cwd",
    "fgd",
    "channel_distillation",
    "mars",
    "hallucination",
)
RAW_TERMS = (
    "attention_transfer",
    "similarity_preserving",
    "correlation_congruence",
    "relational",
)
