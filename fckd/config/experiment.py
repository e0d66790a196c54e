"""One distillation, fully described."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from fckd.config.base import Configuration

Name = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,63}$")]
Weight = Annotated[float, Field(ge=0)]
Temperature = Annotated[float, Field(gt=0)]
Seed = Annotated[int, Field(ge=0, lt=2**32, description="what every generator accepts")]


class Modality(StrEnum):
    """What a recording is made of."""

    SKELETON = "skeleton"
    INERTIAL = "inertial"
    DEPTH = "depth"
    RGB = "rgb"


class Criterion(StrEnum):
    """How a teacher's channels are ranked; `random` is the control."""

    MAGNITUDE = "magnitude"
    CAM = "cam"
    VARIANCE = "variance"
    RANDOM = "random"


class SyntheticSettings(Configuration):
    """The demo corpus: an articulated figure, made from a seed (no recordings involved)."""

    seed: Seed = 0
    actions: int = Field(12, ge=2, le=12)
    subjects: int = Field(8, ge=3, le=40)
    cameras: int = Field(2, ge=1, le=4)
    repetitions: int = Field(2, ge=1, le=20)
    size: int = Field(40, ge=16, le=128, description="height and width of RGB and depth, pixels")


class CorpusSettings(Configuration):
    """Which benchmark, and who of its training part is held out for validation."""

    source: Literal["synthetic", "utd-mhad"]
    validation_subjects: tuple[int, ...] = Field(min_length=1)
    synthetic: SyntheticSettings = SyntheticSettings()


class ViewSettings(Configuration):
    """The finite set of geometric readings from which augmentation is drawn.

    View 0 is the evaluation view; `count` random views follow it, the same for every modality.
    """

    count: int = Field(8, ge=1, le=256)
    seed: Seed = 0
    crop: float = Field(0.15, ge=0, le=0.9, description="share of the duration that may be cut")
    warp: float = Field(0.15, ge=0, lt=1, description="strength of the smooth time warp")
    shift: float = Field(0.08, ge=0, le=0.5, description="of the image's width and height")
    zoom: float = Field(0.12, ge=0, lt=1)
    rotation: float = Field(15.0, ge=0, le=180, description="degrees, of skeleton and sensor")
    mirror: bool = False


class NetworkSettings(Configuration):
    """A network and what it reads.

    `network` is `temporal` (series and skeletons) or `video` (depth and RGB).
    """

    modality: Modality
    network: Literal["temporal", "video"]
    width: int = Field(64, ge=4, le=2048, description="channels of the last stage")
    frames: int = Field(32, ge=4, le=512, description="time steps read from a sample")
    size: int = Field(32, ge=16, le=512, description="height and width read, pixels")
    dropout: float = Field(0.0, ge=0, lt=1)
    normalization: Literal["batch", "group"] = "batch"

    @model_validator(mode="after")
    def _network_reads_modality(self) -> Self:
        image = self.modality in (Modality.DEPTH, Modality.RGB)
        fitting = "video" if image else "temporal"
        if self.network != fitting:
            raise ValueError(f"{self.modality} is read by the network {fitting!r}")
        return self


class TrainingSettings(Configuration):
    """The optimisation of one network (AdamW, linear warm-up, cosine decay)."""

    epochs: int = Field(30, ge=1)
    batch_size: int = Field(32, ge=2, description="over all workers together")
    learning_rate: float = Field(3e-3, gt=0)
    weight_decay: float = Field(1e-2, ge=0)
    label_smoothing: float = Field(0.0, ge=0, lt=1)
    warmup_epochs: int = Field(2, ge=0)
    seed: Seed = 0


class TeacherSettings(NetworkSettings):
    """A teacher: a network on another modality, and how it is trained before it is frozen."""

    training: TrainingSettings = TrainingSettings()


class FocalSettings(Configuration):
    """Which of a teacher's channels are focal (method.md step 1 and 2)."""

    criterion: Criterion = Criterion.MAGNITUDE
    ratio: float = Field(0.5, gt=0, le=1)


class CorrelationSettings(Configuration):
    """Correlations among the focal channels."""

    weight: Weight = 0.0


class DistributionSettings(Configuration):
    """Distribution over positions inside each focal channel."""

    weight: Weight = 0.0
    temperature: Temperature = 4.0
    positions: int = Field(8, ge=2, description="both sides are pooled to at most so many in time")


class LogitSettings(Configuration):
    """Plain distillation of the teachers' averaged probabilities (Hinton et al. 2015)."""

    weight: Weight = 0.0
    temperature: Temperature = 4.0


class ObjectiveSettings(Configuration):
    """The terms that are added to cross-entropy."""

    correlation: CorrelationSettings = CorrelationSettings()
    distribution: DistributionSettings = DistributionSettings()
    logits: LogitSettings = LogitSettings()

    @property
    def uses_features(self) -> bool:
        """Whether a term reads the teachers' feature maps."""
        return self.correlation.weight > 0 or self.distribution.weight > 0

    @property
    def uses_lessons(self) -> bool:
        """Whether a term reads anything of the teachers."""
        return self.uses_features or self.logits.weight > 0


class Experiment(Configuration):
    """One distillation: who teaches whom, on what, by which terms, for how long."""

    corpus: CorpusSettings
    views: ViewSettings = ViewSettings()
    student: NetworkSettings
    teachers: dict[Name, TeacherSettings] = Field(default_factory=dict)
    focal: FocalSettings = FocalSettings()
    objective: ObjectiveSettings = ObjectiveSettings()
    training: TrainingSettings = TrainingSettings()

    @model_validator(mode="after")
    def _terms_have_teachers(self) -> Self:
        if self.objective.uses_lessons and not self.teachers:
            raise ValueError("a distillation term has weight > 0, but there is no teacher")
        return self

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """Every modality that the experiment reads, in a fixed order."""
        used = {self.student.modality, *(teacher.modality for teacher in self.teachers.values())}
        return tuple(sorted(used))
