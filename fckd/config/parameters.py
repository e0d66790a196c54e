"""What is searched: a number between two bounds, or one of a list of values."""

from collections.abc import Mapping, Sequence
from math import floor, isclose
from typing import Annotated, Any, Self

from pydantic import Discriminator, Field, Tag, model_validator

from fckd.config.base import Configuration

Value = str | int | float | bool
ON = "on"
"""A condition on a number that may be off. YAML reads a bare `on` as true: both are taken."""


class SearchedParameter(Configuration):
    """What ranges and choices have in common."""

    when: dict[str, Value | tuple[Value, ...]] = Field(
        default_factory=dict,
        description="drawn only if each of these searched parameters has the value, one of the "
        "values, or is `on`",
    )


class RangeParameter(SearchedParameter):
    """A number searched between two bounds.

    `may_be_off` adds the choice of leaving the term out (value 0): then nothing else under the
    same prefix is searched, for a term that is off has no temperature.
    """

    low: float = Field(description="smallest value")
    high: float = Field(description="largest value")
    log: bool = Field(False, description="searched on a logarithmic scale")
    step: float | None = Field(
        None, gt=0, description="between neighbouring values, from low on; every number if not set"
    )
    integer: bool = Field(False, description="whole numbers only; their step is 1 if not set")
    may_be_off: bool = Field(False, description="a trial may also have 0: it goes without the term")

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

    @property
    def stride(self) -> float | None:
        """The distance between neighbouring values; None if the range is continuous."""
        return self.step or (1 if self.integer else None)

    def contains(self, value: str | float) -> bool:
        """Return whether a trial may have this value."""
        if isinstance(value, (str, bool)):
            return False
        if self.may_be_off and value == 0:
            return True
        steps = 0 if self.stride is None else (value - self.low) / self.stride
        return self.low <= value <= self.high and isclose(steps, round(steps), abs_tol=1e-6)

    def can_be(self, wanted: Value) -> bool:
        """Return whether a condition on this parameter can be met."""
        return _is_on(wanted) or self.contains(wanted)

    def meets(self, value: Value, wanted: Value) -> bool:
        """Return whether a trial's value meets a condition."""
        return value != 0 if _is_on(wanted) else value == wanted


class ChoiceParameter(SearchedParameter):
    """One of a list of values."""

    choices: tuple[Value, ...] = Field(min_length=2, description="values to choose among")

    @model_validator(mode="after")
    def _choices_differ(self) -> Self:
        if len(set(self.choices)) < len(self.choices):
            raise ValueError("a choice is given twice")
        return self

    def contains(self, value: str | float) -> bool:
        """Return whether a trial may have this value."""
        return value in self.choices

    def can_be(self, wanted: Value) -> bool:
        """Return whether a condition on this parameter can be met."""
        return wanted in self.choices

    def meets(self, value: Value, wanted: Value) -> bool:
        """Return whether a trial's value meets a condition."""
        return value == wanted


def strides_between(low: float, high: float, stride: float) -> int:
    """Return how many whole strides lie between two bounds."""
    return floor((high - low) / stride + 1e-6)


def _is_on(wanted: Value) -> bool:
    return wanted is True or wanted == ON


def _kind(given: Any) -> str:
    """Return which parameter is meant, so that an error speaks of that one only."""
    listed = isinstance(given, Mapping) and "choices" in given
    return "<choice>" if listed or isinstance(given, ChoiceParameter) else "<range>"


Parameter = RangeParameter | ChoiceParameter
AnyParameter = Annotated[
    Annotated[RangeParameter, Tag("<range>")] | Annotated[ChoiceParameter, Tag("<choice>")],
    Discriminator(_kind),
]


def may_be_off(parameter: Parameter) -> bool:
    """Return whether a trial may go without this parameter's term."""
    return isinstance(parameter, RangeParameter) and parameter.may_be_off


def to_try(parameter: Parameter) -> Sequence[Value]:
    """Return the choices, or the lowest, the next and the highest value that a range can have."""
    if isinstance(parameter, ChoiceParameter):
        return parameter.choices
    low, high, stride = parameter.low, parameter.high, parameter.stride
    if stride is None:
        return low, high
    steps = strides_between(low, high, stride)
    values = (low + step * stride for step in sorted({0, min(1, steps), steps}))
    return [int(value) if parameter.integer else value for value in values]
