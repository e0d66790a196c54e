"""The base of every configuration model."""

from pydantic import BaseModel, ConfigDict


class Configuration(BaseModel):
    """Immutable, and refuses fields that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)
