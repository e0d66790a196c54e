"""A comparison: named variants of one experiment, trained with the same seeds (an ablation)."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, Field, model_validator

from fckd.config.base import Configuration, Seed
from fckd.config.campaign import Campaign
from fckd.config.experiment import Experiment
from fckd.config.protocols import Protocols, check_protocols


def dotted(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Return an experiment's fields by dotted names: `{"focal": {"ratio": 1}}` as `focal.ratio`.

    Mappings by names of the user's own, such as `teachers`, are values.
    """
    found: dict[str, Any] = {}
    for name, value in fields.items():
        if isinstance(value, Mapping) and _is_section(name):
            found |= dotted({f"{name}.{below}": each for below, each in value.items()})
        else:
            found[name] = value
    return found


def _is_section(name: str) -> bool:
    kind: Any = Experiment
    for part in name.split("."):
        field = kind.model_fields.get(part)
        kind = None if field is None else field.annotation
        if not (isinstance(kind, type) and issubclass(kind, Configuration)):
            return False
    return True


Fields = Annotated[dict[str, Any], AfterValidator(dotted)]
Label = Annotated[str, Field(pattern=r"^[A-Za-z0-9][\w .,=+-]{0,63}$")]


class Comparison(Campaign):
    """The content of a file in `comparisons/`.

    Every arm is the experiment with some fields set; the first is what the others are held
    against. On `validation` arms learn from train, on `test` from train + validation, and the test
    split is read once for each run.
    """

    arms: dict[Label, Fields] = Field(
        min_length=2,
        description="by a name of your own the fields of the experiment that an arm sets, such as "
        "`focal.ratio: 0.5` or, the same, `focal: {ratio: 0.5}`; {} sets none",
    )
    split: Literal["validation", "test"] = Field("test", description="what arms are measured on")
    seeds: int = Field(8, ge=2, description="runs of each arm")
    first_seed: Seed = Field(
        1000, description="`training.seed` of each arm's first run; the others count on from it"
    )
    protocols: Protocols = ()

    @model_validator(mode="after")
    def _arms_leave_the_seed_alone(self) -> Self:
        for label, fields in self.arms.items():
            if "training.seed" in fields:
                raise ValueError(f"arms.{label} sets training.seed: seeds are the comparison's own")
        return self

    @model_validator(mode="after")
    def _protocols_are_the_sources(self) -> Self:
        check_protocols(self.experiment.corpus.source, self.protocols)
        for label, fields in self.arms.items():
            if self.protocols and "corpus.protocol" in fields:
                raise ValueError(
                    f"arms.{label} sets corpus.protocol: protocols are the comparison's own"
                )
        return self
