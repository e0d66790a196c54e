"""Which benchmark is read, by which protocol, and who of its training part is held out."""

from typing import Any, Literal, Self

from pydantic import Field, model_validator

from fckd.config.base import Configuration, Seed

SourceName = Literal["synthetic", "utd-mhad", "n-ucla", "ntu60", "hmdb51", "table"]
Protocol = Literal["cross-subject", "cross-view", "split-1", "split-2", "split-3", "own"]
FrameCoding = Literal["raw", "jpeg", "png"]
ExactCoding = Literal["raw", "png"]

PROTOCOLS: dict[SourceName, tuple[Protocol, ...]] = {
    "synthetic": ("cross-subject",),
    "utd-mhad": ("cross-subject",),
    "n-ucla": ("cross-view",),
    "ntu60": ("cross-subject", "cross-view"),
    "hmdb51": ("split-1", "split-2", "split-3"),
    "table": ("own",),
}
"""The official divisions of every source; the first is the default, `own` is a table's column."""


class SyntheticSettings(Configuration):
    """The demo corpus: an articulated figure, made from a seed (no recordings involved)."""

    seed: Seed = Field(0, description="seed of people, rooms, movements and noise")
    actions: int = Field(12, ge=2, le=12, description="classes")
    subjects: int = Field(
        8, ge=3, le=40, description="people, numbered from 1: odd ones learn, even ones test"
    )
    cameras: int = Field(
        2, ge=1, le=4, description="each sees performances of its own, from its own direction"
    )
    repetitions: int = Field(
        2, ge=1, le=20, description="performances of an action by a subject before a camera"
    )
    size: int = Field(40, ge=16, le=128, description="height and width of RGB and depth, pixels")


class FrameCodings(Configuration):
    """How the corpus stores the frames of each modality; a reader decodes only those it needs.

    `raw` is read in place and takes the most room, `png` gives back every value, `jpeg` (quality
    95, full colour) nearly. Measured costs: docs/benchmarks.md.
    """

    rgb: FrameCoding = "jpeg"
    infrared: FrameCoding = "jpeg"
    depth: ExactCoding = "png"
    flow: ExactCoding = "png"


class RawSettings(Configuration):
    """How raw recordings become what a corpus holds."""

    image_side: int = Field(
        112, ge=32, le=512, description="shorter side of images as they are stored, pixels"
    )
    flow_of: Literal["rgb", "depth", "infrared"] = Field(
        "rgb", description="images that optical flow is computed of, unless it was recorded"
    )
    frame_coding: FrameCodings = FrameCodings()


class CorpusSettings(RawSettings):
    """Which benchmark, who of its training part is used, and who of these is held out to validate.

    Held out are, by exactly one of the three rules, all training samples of some subjects, or of
    some cameras, or a share of the groups of samples that belong together (clips of one film, one
    performance before several cameras).
    """

    source: SourceName = Field(
        description="benchmark, in the data folder; synthetic needs no recordings, table is data "
        "of your own"
    )
    protocol: Protocol | None = Field(
        None, description="official division into training and test; the source's first if not set"
    )
    training_subjects: tuple[int, ...] | None = Field(
        None,
        min_length=1,
        description="numbers of those of the official training part that are used; all if not set",
    )
    validation_subjects: tuple[int, ...] | None = Field(
        None, min_length=1, description="numbers of training subjects that are held out"
    )
    validation_cameras: tuple[int, ...] | None = Field(
        None, min_length=1, description="numbers of training cameras that are held out"
    )
    validation_share: float | None = Field(
        None, gt=0, lt=1, description="share of the training groups that is held out"
    )
    table: str | None = Field(
        None,
        min_length=1,
        description="file of `source: table`, in the data folder: CSV or Parquet",
    )
    synthetic: SyntheticSettings = SyntheticSettings()

    @property
    def official_protocol(self) -> Protocol:
        """The protocol that was chosen, or the source's own."""
        return self.protocol or PROTOCOLS[self.source][0]

    @property
    def made_from(self) -> dict[str, Any]:
        """The fields on which it depends what the corpus holds, and not how it is divided."""
        made = RawSettings.model_fields.keys() | {"source", "table", "synthetic"}
        return self.model_dump(include=made)

    @property
    def raw(self) -> RawSettings:
        """How recordings are read, whatever they are recordings of."""
        return RawSettings(**{name: getattr(self, name) for name in RawSettings.model_fields})

    @model_validator(mode="after")
    def _source_has_protocol(self) -> Self:
        possible = PROTOCOLS[self.source]
        if self.official_protocol not in possible:
            raise ValueError(
                f"{self.source} has no protocol {self.protocol}: one of {', '.join(possible)}"
            )
        return self

    @model_validator(mode="after")
    def _table_belongs_to_its_source(self) -> Self:
        if (self.table is None) == (self.source == "table"):
            raise ValueError("source: table and table: FILE go together")
        return self

    @model_validator(mode="after")
    def _one_rule_of_validation(self) -> Self:
        rules = ("validation_subjects", "validation_cameras", "validation_share")
        given = [rule for rule in rules if getattr(self, rule) is not None]
        if len(given) != 1:
            raise ValueError(
                f"exactly one of {', '.join(rules)} says who validates, not "
                f"{' and '.join(given) or 'none'} (null takes one away)"
            )
        return self
