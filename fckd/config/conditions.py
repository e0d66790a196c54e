"""Which searched parameters decide whether another one is drawn."""

from collections.abc import Mapping
from graphlib import CycleError, TopologicalSorter

from fckd.config.objective import FOCAL_TERMS
from fckd.config.parameters import Parameter, may_be_off

FOCAL = "focal."
WEIGHT = ".weight"

Parameters = Mapping[str, Parameter]


def weight_of(name: str) -> str:
    """Return the name of the weight beside a parameter of a term."""
    return name.rpartition(".")[0] + WEIGHT


def weight_of_focal(term: str) -> str:
    """Return the name of the weight of a term that reads focal channels."""
    return f"objective.{term}{WEIGHT}"


def deciders(parameters: Parameters, name: str) -> set[str]:
    """Return the searched parameters that must be drawn before `name`.

    A term's options wait for its weight; focal parameters for the weights of the focal terms.
    """
    waits = {weight_of(name)}
    if name.startswith(FOCAL):
        waits.update(weight_of_focal(term) for term in FOCAL_TERMS)
    return (waits & set(parameters)) - {name}


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
    waits = deciders(parameters, name)
    return not may_be_off(parameters[name]) and all(
        in_every_trial(parameters, decider) for decider in waits
    )
