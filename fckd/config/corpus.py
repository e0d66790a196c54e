"""Which benchmark is read, and who of its training part is held out."""

from typing import Literal

from pydantic import Field

from fckd.config.base import Configuration, Seed


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
