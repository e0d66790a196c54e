"""A space: an experiment, what to search in it, the budget, and how the result is confirmed."""

from collections.abc import Mapping
from math import isclose
from typing import Annotated, Any, Literal, Self

from pydantic import Discriminator, Field, Tag, model_validator

from fckd.config.base import Configuration, Seed
from fckd.config.campaign import Campaign


class RangeParameter(Configuration):
    """A number searched between two bounds.

    `may_be_off` adds the choice of leaving the term out (value 0): then nothing else under the
    same prefix is searched, for a term that is off has no temperature.
    """

    low: float
    high: float
    log: bool = False
    step: float | None = Field(None, gt=0)
    integer: bool = False
    may_be_off: bool = False

    @model_validator(mode="after")
    def _bounds_make_a_range(self) -> Self:
        if self.low >= self.high:
            raise ValueError(f"low ({self.low}) must be less than high ({self.high})")
        if self.log and self.low <= 0:
            raise ValueError(f"a logarithmic range needs low > 0, not {self.low}")
        if self.log and self.step is not None:
            raise ValueError("a logarithmic range has no step")
        numbers = (self.low, self.high, self.step or 1)
        if self.integer and any(value != int(value) for value in numbers):
            raise ValueError("an integer range needs integer bounds and an integer step")
        return self

    def contains(self, value: str | float) -> bool:
        """Return whether a trial may have this value."""
        if isinstance(value, (str, bool)):
            return False
        if self.may_be_off and value == 0:
            return True
        step = self.step or (1 if self.integer else None)
        steps = 0 if step is None else (value - self.low) / step
        return self.low <= value <= self.high and isclose(steps, round(steps), abs_tol=1e-6)


class ChoiceParameter(Configuration):
    """One of a list of values."""

    choices: tuple[str | int | float | bool, ...] = Field(min_length=2)

    @model_validator(mode="after")
    def _choices_differ(self) -> Self:
        if len(set(self.choices)) < len(self.choices):
            raise ValueError("a choice is given twice")
        return self

    def contains(self, value: str | float) -> bool:
        """Return whether a trial may have this value."""
        return value in self.choices


def _kind(given: Any) -> str:
    """Return which parameter is meant, so that an error speaks of that one only."""
    listed = isinstance(given, Mapping) and "choices" in given
    return "<choice>" if listed or isinstance(given, ChoiceParameter) else "<range>"


Parameter = RangeParameter | ChoiceParameter
AnyParameter = Annotated[
    Annotated[RangeParameter, Tag("<range>")] | Annotated[ChoiceParameter, Tag("<choice>")],
    Discriminator(_kind),
]


class Budget(Configuration):
    """What the search may spend; whichever ends first."""

    trials: int = Field(12, ge=1)
    minutes: float | None = Field(None, gt=0)


class SearchSettings(Configuration):
    """How the space is searched."""

    sampler: Literal["tpe", "random"] = "tpe"
    seed: Seed = 0
    parameters: dict[str, AnyParameter] = Field(min_length=1)
    points: tuple[dict[str, str | int | float | bool], ...] = Field(
        (), description="tried first; parameters that a point leaves out are sampled"
    )


class StoppingSettings(Configuration):
    """Asynchronous successive halving on validation accuracy, asked at the end of every epoch."""

    rule: Literal["halving", "none"] = "none"
    grace_epochs: int = Field(5, ge=1)
    reduction: int = Field(3, ge=2)


class ConfirmationSettings(Configuration):
    """The best trials by validation are retrained with fresh seeds on train + validation."""

    finalists: int = Field(1, ge=1)
    seeds: int = Field(5, ge=2)
    first_seed: Seed = 1000


class Space(Campaign):
    """A sweep: the content of a file in `tune_spaces/`."""

    search: SearchSettings
    budget: Budget = Budget()
    stopping: StoppingSettings = StoppingSettings()
    confirmation: ConfirmationSettings = ConfirmationSettings()

    @model_validator(mode="after")
    def _points_lie_in_the_space(self) -> Self:
        for number, point in enumerate(self.search.points):
            for name, value in point.items():
                parameter = self.search.parameters.get(name)
                if parameter is None:
                    raise ValueError(f"search.points[{number}] fixes {name}, which is not searched")
                if not parameter.contains(value):
                    raise ValueError(f"search.points[{number}]: {name} = {value} is not searched")
        return self

    @model_validator(mode="after")
    def _there_is_something_to_distil(self) -> Self:
        if not self.experiment.teachers:
            raise ValueError("a sweep distils: experiment.teachers must name at least one teacher")
        return self
