"""One distillation, fully described."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from fckd.config.base import Configuration, Name, Seed, Temperature, Weight
from fckd.config.corpus import CorpusSettings
from fckd.config.fusion import FusionSettings
from fckd.config.networks import Modality, NetworkSettings
from fckd.config.objective import ObjectiveSettings


class Criterion(StrEnum):
    """How a teacher's channels are ranked; `random` and `all` are the controls."""

    MAGNITUDE = "magnitude"
    CAM = "cam"
    GRADIENT = "gradient"
    VARIANCE = "variance"
    RANDOM = "random"
    ALL = "all"


class ViewSettings(Configuration):
    """The finite set of geometric readings from which augmentation is drawn.

    View 0 is the evaluation view; `count` random views follow it, the same for every modality.
    """

    count: int = Field(
        8,
        ge=1,
        le=256,
        description="random views of each training sample; a teacher has a lesson for every one",
    )
    seed: Seed = Field(0, description="seed of the random views")
    crop: float = Field(0.15, ge=0, le=0.9, description="largest share of the duration that is cut")
    warp: float = Field(0.15, ge=0, lt=1, description="strength of the smooth time warp")
    shift: float = Field(
        0.08, ge=0, le=0.5, description="of images, at most, as a share of their height and width"
    )
    zoom: float = Field(
        0.12, ge=0, lt=1, description="images are enlarged by a factor of 1 - zoom to 1 + zoom"
    )
    rotation: float = Field(
        15.0,
        ge=0,
        le=180,
        description="at most, degrees: of skeletons about the vertical, of sensors about any axis",
    )
    mirror: bool = Field(
        False, description="exchange left and right in about half of the random views"
    )


class TrainingSettings(Configuration):
    """The optimisation of one network (AdamW, linear warm-up, cosine decay)."""

    epochs: int = Field(
        30, ge=1, description="passes over the training samples, each under one of its random views"
    )
    batch_size: int = Field(32, ge=2, description="samples of a step, of all workers together")
    micro_batch: int | None = Field(
        None,
        ge=1,
        description="samples of a worker that are in memory at a time; gradients of a batch's "
        "parts are added up. All of them if not given",
    )
    precision: Literal["float32", "bfloat16"] = Field(
        "float32",
        description="of activations while training; weights, losses and measurements are float32",
    )
    cuda_graph: bool | None = Field(
        None,
        description="on a GPU, with one worker and no mixup: launch each step as one CUDA graph; "
        "if not given, those of most students whose terms have no decay (docs/speed.md)",
    )
    compile: bool = Field(
        False,
        description="train the network through torch.compile, which needs a compiler: TSM steps "
        "faster on a GPU; what was tried on a CPU became slower (docs/speed.md)",
    )
    learning_rate: float = Field(3e-3, gt=0, description="after the warm-up; decays to 0")
    weight_decay: float = Field(
        1e-2, ge=0, description="AdamW's, of matrices and kernels; biases and scales have none"
    )
    label_smoothing: float = Field(
        0.0, ge=0, lt=1, description="share of a label that is spread evenly over all classes"
    )
    mixup: float = Field(
        0.0,
        ge=0,
        le=8,
        description="α of the Beta distribution by which pairs of samples are mixed; 0 for none",
    )
    warmup_epochs: int = Field(2, ge=0, description="the learning rate rises linearly over so many")
    seed: Seed = Field(0, description="seed of fresh weights, batches, mixup and dropout")


class TeacherSettings(NetworkSettings):
    """A teacher: a network on another modality, and how it is trained before it is frozen."""

    training: TrainingSettings = TrainingSettings()


class FusionTeacherSettings(FusionSettings):
    """A teacher that is fed by two modalities, and how it is trained before it is frozen."""

    training: TrainingSettings = TrainingSettings()


def _kind(given: Any) -> str:
    """Return which teacher is meant, so that an error speaks of that one only."""
    fused = isinstance(given, Mapping) and ("fusion" in given or "parts" in given)
    return "<fusion>" if fused or isinstance(given, FusionTeacherSettings) else "<single>"


AnyTeacher = TeacherSettings | FusionTeacherSettings
TaggedTeacher = Annotated[
    Annotated[TeacherSettings, Tag("<single>")] | Annotated[FusionTeacherSettings, Tag("<fusion>")],
    Discriminator(_kind),
]


class FocalSettings(Configuration):
    """Which of a teacher's channels are focal, and how much each of them counts.

    `scope` says over what saliency is averaged before the channels are chosen: nothing (each
    sample has its own), the batch, or the data set (one fixed list).
    """

    criterion: Criterion = Field(
        Criterion.MAGNITUDE,
        description="saliency that ranks the channels: mean of |F| over positions, class "
        "activation of the true class, gradient of its logit, variance over positions; or the "
        "controls: channels by lot (anew for each lesson; with `scope: dataset` one list), all",
    )
    ratio: float = Field(
        0.5, gt=0, le=1, description="focal channels as a share of a teacher's channels"
    )
    scope: Literal["sample", "batch", "dataset"] = Field(
        "sample", description="what has focal channels of its own"
    )
    selection: Literal["hard", "soft"] = Field(
        "hard", description="soft: a channel counts by a softmax of its saliency"
    )
    temperature: Temperature = Field(
        0.5, description="of the soft selection; the larger, the more alike channels count"
    )


class WeightingSettings(Configuration):
    """How much each teacher counts; the shares of all teachers add up to 1.

    `equal`, or for each sample by the teacher's `entropy` (EBKD) or `confidence` in the true
    class (CA-MKD). `weights` multiply the rule's; a teacher of weight 0 is dropped.
    """

    rule: Literal["equal", "entropy", "confidence"] = Field(
        "equal", description="what decides how much each teacher counts"
    )
    weights: dict[Name, Weight] = Field(
        default_factory=dict, description="by teacher; 1 where not given"
    )


class StageSettings(Configuration):
    """Epochs of the first two stages of a student with a hallucination stream.

    Garcia et al. (ECCV 2018): the student's own stream learns alone; then the hallucination stream
    learns from the teachers, the only stage in which they teach; in the epochs that are left both
    learn together.
    """

    own: int = Field(ge=1, description="epochs in which the student's own stream learns")
    hallucination: int = Field(
        ge=1, description="epochs after them in which the hallucination stream learns"
    )


class Experiment(Configuration):
    """One distillation: who teaches whom, on what, by which terms, for how long.

    `teaching` is `lessons` of frozen teachers, or `together`: teachers and student learn at the
    same time, each step's lesson is what the teachers say in that step. Of a teacher's `training`
    only `label_smoothing` is its own then; in all else it is trained as the student is.
    """

    corpus: CorpusSettings
    views: ViewSettings = ViewSettings()
    student: NetworkSettings
    teachers: dict[Name, TaggedTeacher] = Field(
        default_factory=dict, description="by names of your own; a student may learn alone"
    )
    weighting: WeightingSettings = WeightingSettings()
    focal: FocalSettings = FocalSettings()
    objective: ObjectiveSettings = ObjectiveSettings()
    teaching: Literal["lessons", "together"] = Field(
        "lessons", description="by teachers that are frozen, or that learn with the student"
    )
    stages: StageSettings | None = Field(
        None, description="of a student with `hallucination: true`, which needs them"
    )
    training: TrainingSettings = TrainingSettings()

    @model_validator(mode="after")
    def _terms_have_teachers(self) -> Self:
        unknown = sorted(set(self.weighting.weights) - set(self.teachers))
        if unknown:
            raise ValueError(f"weighting.weights: there is no teacher {', '.join(unknown)}")
        if self.objective.uses_lessons and not self.taught_by:
            raise ValueError("a distillation term has weight > 0, but there is no teacher")
        return self

    @model_validator(mode="after")
    def _terms_agree_with_the_selection(self) -> Self:
        distribution = self.objective.distribution
        soft = self.focal.selection == "soft"
        if soft and distribution.weight > 0 and distribution.over == "channels":
            raise ValueError(
                "focal.selection: soft weighs channels apart, which a distribution over channels "
                "does not have: choose objective.distribution.over: positions"
            )
        return self

    @model_validator(mode="after")
    def _teachers_that_learn_can_be_asked(self) -> Self:
        focal = self.focal
        if self.teaching == "together" and focal.criterion is Criterion.GRADIENT:
            raise ValueError("focal.criterion: gradient needs frozen teachers (teaching: lessons)")
        if self.teaching == "together" and focal.scope != "sample":
            raise ValueError(
                f"focal.scope: {focal.scope} needs frozen teachers (teaching: lessons)"
            )
        if self.teaching == "together" and self.training.mixup > 0:
            raise ValueError("training.mixup needs frozen teachers (teaching: lessons)")
        return self

    @model_validator(mode="after")
    def _stages_fit_the_student(self) -> Self:
        if (self.stages is not None) != self.student.hallucination:
            raise ValueError("stages belong to a student with hallucination: true, and it to them")
        if self.stages is not None:
            first = self.stages.own + self.stages.hallucination
            if first >= self.training.epochs:
                raise ValueError(
                    f"stages take {first} epochs of training.epochs {self.training.epochs}: "
                    "at least one must be left to learn together"
                )
            self._weights_are_constant()
        return self

    def _weights_are_constant(self) -> None:
        for name, term in self.objective.active():
            if term.warmup_epochs or term.decay < 1:
                raise ValueError(
                    f"objective.{name} warms up or decays from the first epoch on, in which no "
                    "teacher teaches a student with stages: leave warmup_epochs and decay out"
                )

    @property
    def needs_lessons(self) -> bool:
        """Whether lessons of frozen teachers are read."""
        return self.objective.uses_lessons and self.teaching == "lessons"

    @property
    def taught_by(self) -> tuple[str, ...]:
        """The teachers that are not dropped."""
        weights = self.weighting.weights
        return tuple(name for name in self.teachers if weights.get(name, 1.0) > 0)

    @property
    def modalities(self) -> tuple[Modality, ...]:
        """Every modality that the experiment reads, in a fixed order."""
        networks = (self.student, *self.teachers.values())
        return tuple(sorted({part.modality for network in networks for part in network.inputs}))


def identity(of: Experiment | AnyTeacher) -> dict[str, Any]:
    """Return what makes a training what it is, as JSON: not how its steps are launched."""
    launch = {"training": {"cuda_graph", "compile"}}
    teachers = {"teachers": {"__all__": launch}} if isinstance(of, Experiment) else {}
    return of.model_dump(mode="json", exclude={**launch, **teachers})
