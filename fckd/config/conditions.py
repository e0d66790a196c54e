"""Which searched parameters decide whether another one is drawn."""

from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter
from typing import Any

from fckd.config.objective import FOCAL_TERMS
from fckd.config.parameters import Parameter, Value, may_be_off, to_try

FOCAL = "focal."
WEIGHT = ".weight"

Parameters = Mapping[str, Parameter]


def weight_of(name: str) -> str:
    """Return the name of the weight beside a parameter of a term."""
    return name.rpartition(".")[0] + WEIGHT


def weight_of_term(term: str) -> str:
    """Return the name of the weight of a term of the objective."""
    return f"objective.{term}{WEIGHT}"


def deciders(parameters: Parameters, name: str) -> set[str]:
    """Return the searched parameters that must be drawn before `name`.

    A term's options wait for its weight; focal parameters for the weights of the focal terms; and
    every parameter for those of its `when`.
    """
    waits = {weight_of(name)}
    if name.startswith(FOCAL):
        waits.update(weight_of_term(term) for term in FOCAL_TERMS)
    return ((waits & set(parameters)) - {name}) | set(parameters[name].when)


def check(parameters: Parameters) -> None:
    """Check that every condition can be met.

    Raises:
        ValueError: One is on what is not searched or never so, parameters wait for each other, or
            for values that exclude each other.
    """
    for name, parameter in parameters.items():
        for other, wanted in parameter.when.items():
            if other not in parameters:
                raise ValueError(f"{name} waits for {other}, which is not searched")
            for value in _listed(wanted):
                if not parameters[other].can_be(value):
                    raise ValueError(f"{name} waits for {other} = {value}, which it never is")
    in_order(parameters)
    for name in parameters:
        met(parameters, name)


def met(parameters: Parameters, name: str) -> dict[str, Value]:
    """Return what lets `name` be drawn: a value of all that it waits for, and they in turn.

    Of several the one that is named first.

    Raises:
        ValueError: There are none.
    """
    conditions: dict[str, list[tuple[Value, ...]]] = {}
    chain = [name]
    for waiting in chain:
        for other, wanted in parameters[waiting].when.items():
            conditions.setdefault(other, []).append(_listed(wanted))
            chain.append(other)
    values: dict[str, Value] = {}
    for other, every in conditions.items():
        value = _first(parameters[other], every)
        if value is None:
            raise ValueError(f"{name} waits for values of {other} that exclude each other")
        values[other] = value
    return values


def hold(parameters: Parameters, name: str, fields: Mapping[str, Any]) -> bool:
    """Return whether the fields that are drawn already meet the conditions of `name`."""
    return all(
        other in fields
        and any(parameters[other].meets(fields[other], value) for value in _listed(wanted))
        for other, wanted in parameters[name].when.items()
    )


def in_order(parameters: Parameters) -> list[str]:
    """Return the names such that each comes after what decides on it, else as they were given.

    Raises:
        ValueError: Parameters wait for each other.
    """
    graph = {name: sorted(deciders(parameters, name)) for name in parameters}
    try:
        return list(TopologicalSorter(graph).static_order())
    except CycleError as cycle:
        chain = " waits for ".join(reversed(cycle.args[1]))
        raise ValueError(f"search.parameters go in a circle: {chain}") from cycle


def in_every_trial(parameters: Parameters, name: str) -> bool:
    """Return whether no trial goes without `name`."""
    parameter = parameters[name]
    if parameter.when or may_be_off(parameter):
        return False
    return all(in_every_trial(parameters, decider) for decider in deciders(parameters, name))


def _first(parameter: Parameter, conditions: Sequence[Sequence[Value]]) -> Value | None:
    """Return the first value of a parameter that meets one of each; None if there is none."""
    named = (value for wanted in conditions for value in wanted if parameter.contains(value))
    for value in (*named, *to_try(parameter)):
        if all(any(parameter.meets(value, each) for each in wanted) for wanted in conditions):
            return value
    return None


def _listed(wanted: Value | tuple[Value, ...]) -> tuple[Value, ...]:
    return wanted if isinstance(wanted, tuple) else (wanted,)
