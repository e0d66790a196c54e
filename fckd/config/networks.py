"""Networks: what they read, which one, how large."""

from enum import StrEnum
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from fckd.config.base import Configuration

PLUG_IN = r"[A-Za-z_][\w.]*:[A-Za-z_][\w.]*"


class Modality(StrEnum):
    """What a recording is made of."""

    SKELETON = "skeleton"
    INERTIAL = "inertial"
    DEPTH = "depth"
    RGB = "rgb"
    INFRARED = "infrared"
    FLOW = "flow"


Dropout = Annotated[
    float,
    Field(ge=0, lt=1, description="share of pooled features that training hides from the head"),
]
Stream = Literal["joint", "bone", "joint_motion", "bone_motion"]

IMAGES = (Modality.DEPTH, Modality.RGB, Modality.INFRARED, Modality.FLOW)
SERIES = (Modality.SKELETON, Modality.INERTIAL)

SHORTEST_SERIES = 4
"""Steps; networks on series keep a quarter of them. Of images a single one can be read."""

READS: dict[str, tuple[Modality, ...]] = {
    "temporal": SERIES,
    "tcn": SERIES,
    "transformer": SERIES,
    "graph": (Modality.SKELETON,),
    "heatmap3d": (Modality.SKELETON,),
    "video": IMAGES,
    "r2plus1d": IMAGES,
    "tsm": IMAGES,
    "x3d": IMAGES,
}
"""Our own networks, and the modalities that each can read."""

LAYERS: dict[str, tuple[int, ...]] = {"r2plus1d": (18, 34), "tsm": (18, 50)}
"""Networks that come in several depths; the first is the default."""


class NetworkSettings(Configuration):
    """A network and what it reads.

    `network` is one of our own, or `module:callable`, a plug-in: called as
    `callable(input_shape=…, classes=…, **options)`, it returns any `torch.nn.Module` that makes
    logits of a batch; `tap` then names the module inside it whose output is the feature map.
    """

    modality: Modality = Field(description="what the network reads")
    network: str = Field(
        pattern=rf"^([a-z0-9]+|{PLUG_IN})$",
        description=f"{', '.join(READS)} (docs/networks.md), or module:callable",
    )
    stream: Stream = Field("joint", description="what a skeleton network reads of the joints")
    width: int = Field(64, ge=4, le=2048, description="channels of the last stage")
    layers: int | None = Field(
        None, description="of r2plus1d (18 or 34) and tsm (18 or 50); 18 if not set"
    )
    excitation: bool = Field(False, description="channel excitation in every stage")
    hallucination: bool = Field(
        False, description="of a student: a second stream that hallucinates the teachers'"
    )
    frames: int = Field(32, ge=1, le=512, description="time steps read from a sample")
    size: int = Field(32, ge=16, le=512, description="height and width read, pixels")
    dropout: Dropout = 0.0
    normalization: Literal["batch", "group"] = Field(
        "batch", description="over the batch, or over groups of channels of each sample"
    )
    tap: str = Field(
        "last", description="where the feature map is taken: last, or a module's dotted name"
    )
    weights: str | None = Field(
        None, description="pretrained: a file, s3://bucket/key, or models:/NAME@ALIAS"
    )
    options: dict[str, str | int | float | bool] = Field(
        default_factory=dict, description="keyword arguments of a plug-in"
    )

    @property
    def inputs(self) -> tuple["NetworkSettings", ...]:
        """What is read, one entry for each modality: itself alone."""
        return (self,)

    @property
    def is_plug_in(self) -> bool:
        """Whether the network is not one of our own."""
        return ":" in self.network

    @model_validator(mode="after")
    def _network_reads_modality(self) -> Self:
        if self.is_plug_in:
            return self
        if self.network not in READS:
            known = ", ".join(READS)
            raise ValueError(f"no network {self.network!r}: one of {known}, or module:callable")
        if self.modality not in READS[self.network]:
            fitting = ", ".join(name for name, read in READS.items() if self.modality in read)
            raise ValueError(f"{self.modality} is not read by {self.network!r}, but by {fitting}")
        return self

    @model_validator(mode="after")
    def _a_series_is_long_enough(self) -> Self:
        if self.modality in SERIES and self.frames < SHORTEST_SERIES:
            raise ValueError(
                f"frames: {self.frames} of {self.modality}, which is read in {SHORTEST_SERIES} "
                "steps at least"
            )
        return self

    @model_validator(mode="after")
    def _options_fit_the_network(self) -> Self:
        if self.stream != "joint" and self.modality is not Modality.SKELETON:
            raise ValueError(f"stream: {self.stream} is read of a skeleton, not of {self.modality}")
        if self.stream != "joint" and self.network == "heatmap3d":
            raise ValueError(f"stream: {self.stream} has no heatmaps; heatmap3d draws joints")
        if self.excitation and self.network == "transformer":
            raise ValueError("excitation belongs to stages of convolutions, not to a transformer")
        if self.layers is not None and self.layers not in LAYERS.get(self.network, ()):
            raise ValueError(f"{self.network} has no variant of {self.layers} layers")
        if self.options and not self.is_plug_in:
            raise ValueError("options belong to a plug-in (network: module:callable)")
        return self
