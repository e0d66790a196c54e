"""How a searched parameter is placed on an axis."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from optuna.distributions import BaseDistribution, CategoricalDistribution
from optuna.trial import FrozenTrial

from fckd.tracking.names import number


@dataclass(frozen=True)
class ParameterAxis:
    """A parameter's scale from 0 to 1, and what is written on it."""

    name: str
    height: Callable[[Any], float]
    ticks: Sequence[tuple[float, str]]


def axis_of(name: str, trials: Iterable[FrozenTrial]) -> ParameterAxis:
    """Return the axis for a parameter, spanning what was searched."""
    having = [trial for trial in trials if name in trial.params]
    distribution = having[-1].distributions[name]
    values = [trial.params[name] for trial in having]
    if isinstance(distribution, CategoricalDistribution):
        return _choice_axis(name, distribution)
    return _number_axis(name, distribution, values)


def _choice_axis(name: str, distribution: CategoricalDistribution) -> ParameterAxis:
    choices = list(distribution.choices)
    last = max(len(choices) - 1, 1)

    def height(value: Any) -> float:
        return choices.index(value) / last

    return ParameterAxis(name, height, [(height(choice), _word(choice)) for choice in choices])


def _number_axis(
    name: str, distribution: BaseDistribution, values: Sequence[float]
) -> ParameterAxis:
    low = float(getattr(distribution, "low", min(values)))
    high = float(getattr(distribution, "high", max(values)))
    scale = math.log if getattr(distribution, "log", False) else float
    span = scale(high) - scale(low)

    def height(value: float) -> float:
        return (scale(value) - scale(low)) / span if span else 0.5

    return ParameterAxis(name, height, [(height(end), number(end)) for end in sorted({low, high})])


def _word(choice: Any) -> str:
    if isinstance(choice, bool):
        return "on" if choice else "off"
    return number(choice)
