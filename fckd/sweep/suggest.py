"""From the parameters of a space to Optuna's suggestions, define-by-run."""

from collections.abc import Callable, Mapping
from typing import Any, cast

import optuna

from fckd.config.documents import with_fields
from fckd.config.experiment import Experiment
from fckd.config.objective import FOCAL_TERMS
from fckd.config.space import ChoiceParameter, Parameter, RangeParameter, Space

FOCAL = "focal."
WEIGHT = ".weight"
TEACHERS = "weighting.weights."


def switch(name: str) -> str:
    """Return the name of the parameter that says whether a term is on."""
    return f"{name}.on"


def suggester(space: Space) -> Callable[[optuna.Trial], dict[str, Any]]:
    """Return the function that draws a trial's fields.

    A term that is off has weight 0 and nothing else under its prefix; without a focal term there
    are no focal channels to choose. A teacher that is off is dropped; the last one stays.
    """
    parameters = space.search.parameters

    def suggest(trial: optuna.Trial) -> dict[str, Any]:
        fields, off = _switches(trial, parameters, len(space.experiment.teachers))
        # Focal parameters last: whether there is a focal term is known by then.
        for name in sorted(parameters, key=lambda name: name.startswith(FOCAL)):
            if name not in fields and not name.startswith(tuple(off)):
                if name.startswith(FOCAL) and not _has_focal_term(space.experiment, fields):
                    continue
                fields[name] = _draw(trial, name, parameters[name])
        return fields

    return suggest


def fixed(space: Space, point: Mapping[str, Any]) -> dict[str, Any]:
    """Return the Optuna parameters of a point of the space."""
    values: dict[str, Any] = {}
    for name, value in point.items():
        parameter = space.search.parameters[name]
        if isinstance(parameter, RangeParameter) and parameter.may_be_off:
            values[switch(name)] = value != 0
            if value == 0:
                continue
        values[name] = value
    return values


def check_bounds(space: Space) -> None:
    """Try every bound and choice of every searched parameter.

    Raises:
        UserError: A parameter is no field of the experiment, or the experiment refuses a value.
    """
    for name, parameter in space.search.parameters.items():
        values = (
            parameter.choices
            if isinstance(parameter, ChoiceParameter)
            else (_number(parameter, parameter.low), _number(parameter, parameter.high))
        )
        for value in values:
            place = f"search.parameters.{name} = {value!r}: the experiment"
            with_fields(space.experiment, {name: value}, place)


def _switches(
    trial: optuna.Trial, parameters: Mapping[str, Parameter], teachers: int
) -> tuple[dict[str, Any], list[str]]:
    fields: dict[str, Any] = {}
    off = []
    for name, parameter in parameters.items():
        if not (isinstance(parameter, RangeParameter) and parameter.may_be_off):
            continue
        dropped = sum(field.startswith(TEACHERS) for field in fields)
        if name.startswith(TEACHERS) and dropped == teachers - 1:
            continue
        if not trial.suggest_categorical(switch(name), [True, False]):
            fields[name] = 0.0
            if name.endswith(WEIGHT):
                off.append(name.removesuffix("weight"))
    return fields, off


def _has_focal_term(experiment: Experiment, fields: Mapping[str, Any]) -> bool:
    names = {term: f"objective.{term}{WEIGHT}" for term in FOCAL_TERMS}
    base = {term: getattr(experiment.objective, term).weight for term in FOCAL_TERMS}
    return any(fields.get(names[term], base[term]) for term in FOCAL_TERMS)


def _draw(trial: optuna.Trial, name: str, parameter: Parameter) -> str | float:
    if isinstance(parameter, ChoiceParameter):
        return cast("str | float", trial.suggest_categorical(name, parameter.choices))
    low, high, step = parameter.low, parameter.high, parameter.step
    if parameter.integer:
        step = int(step or 1)
        return trial.suggest_int(name, int(low), int(high), step=step, log=parameter.log)
    return trial.suggest_float(name, low, high, step=step, log=parameter.log)


def _number(parameter: RangeParameter, value: float) -> float:
    return int(value) if parameter.integer else value
