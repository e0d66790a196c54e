"""A fusion: one network that is fed by two modalities at once."""

from typing import Literal, Self

from pydantic import Field, model_validator

from fckd.config.base import Configuration, Name
from fckd.config.networks import IMAGES, Dropout, Modality, NetworkSettings

HEADLESS = ("hallucination", "dropout", "tap", "weights", "options")
"""Settings of a whole network, which a part has no use for."""


class FusionSettings(Configuration):
    """Two networks without heads, how they are joined, and the one feature map that comes of it.

    `frame` joins a skeleton with a single image, `shift` and `non_local` any two modalities.
    """

    fusion: Literal["frame", "shift", "non_local"] = Field(
        description="how the parts are joined (docs/networks.md)"
    )
    parts: dict[Name, NetworkSettings] = Field(
        min_length=2,
        max_length=2,
        description=f"the networks, by names of your own; they have no {', '.join(HEADLESS)}",
    )
    width: int = Field(64, ge=4, le=2048, description="channels of the fused feature map")
    dropout: Dropout = 0.0
    normalization: Literal["batch", "group"] = Field("batch", description="of what joins the parts")

    @property
    def inputs(self) -> tuple[NetworkSettings, ...]:
        """The parts in the order in which they are read: series before images, then by name."""
        named = sorted(self.parts.items(), key=lambda item: (item[1].modality in IMAGES, item[0]))
        return tuple(part for _, part in named)

    @property
    def tap(self) -> str:
        """Where the feature map is taken: nowhere but where the parts are joined."""
        return "last"

    @model_validator(mode="after")
    def _parts_are_bodies(self) -> Self:
        for name, part in self.parts.items():
            if part.is_plug_in:
                raise ValueError(f"parts.{name}: a part is one of our own networks, not a plug-in")
            plain = NetworkSettings(modality=part.modality, network=part.network)
            given = [key for key in HEADLESS if getattr(part, key) != getattr(plain, key)]
            if given:
                raise ValueError(f"parts.{name}: a part has no {' and no '.join(given)} of its own")
        return self

    @model_validator(mode="after")
    def _parts_fit_the_fusion(self) -> Self:
        first, second = self.inputs
        if first.modality is second.modality:
            raise ValueError(f"parts: both read {first.modality}; a fusion joins two modalities")
        skeleton_and_frame = first.modality is Modality.SKELETON and second.modality in IMAGES
        if self.fusion == "frame" and not (skeleton_and_frame and second.frames == 1):
            read = " and ".join(f"{part.frames} frames of {part.modality}" for part in self.inputs)
            raise ValueError(
                f"parts: {read}; fusion: frame joins a skeleton with an image network of frames: 1"
            )
        return self


AnyNetwork = NetworkSettings | FusionSettings
