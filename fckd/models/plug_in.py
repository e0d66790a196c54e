"""A network of the user's own, named `module:callable`."""

import importlib
import inspect
from collections.abc import Callable
from operator import attrgetter
from typing import Any

import torch
from torch import nn

from fckd.config.networks import NetworkSettings
from fckd.errors import UserError
from fckd.models.network import ActionNetwork
from fckd.models.taps import LAST, PROBES, Rehearsal, TappedNetwork, logits_of, rehearse


def plug_in_network(
    settings: NetworkSettings, input_shape: tuple[int, ...], classes: int
) -> ActionNetwork:
    """Import and call a plug-in; return its network with the tapped feature map.

    An `ActionNetwork` that is tapped nowhere else is returned as it is. This runs the user's code.

    Raises:
        UserError: No such module or callable, options that it does not take, no module of torch,
            logits of another shape, or no such tap.
    """
    made = _called(settings, input_shape, classes)
    rehearsal = _rehearsed(made, settings.network, input_shape)
    _check_logits(rehearsal, settings.network, classes)
    if settings.tap != LAST:
        return TappedNetwork(made, settings.tap, rehearsal.channels_of(settings.tap))
    if isinstance(made, ActionNetwork):
        return made
    raise UserError(
        f"tap: {LAST}, of {settings.network}, which does not say which map is its last",
        f"the dotted name of a module inside it: {rehearsal.listing()}",
        "set tap to one of these, or return a fckd.models.network.PooledNetwork",
    )


def _called(settings: NetworkSettings, input_shape: tuple[int, ...], classes: int) -> nn.Module:
    made = _imported(settings.network)
    arguments = {"input_shape": input_shape, "classes": classes, **settings.options}
    try:
        inspect.signature(made).bind(**arguments)
    except TypeError as refusal:
        raise UserError(
            f"{settings.network} cannot be called with {', '.join(arguments)}: {refusal}",
            "a callable that takes input_shape, classes and every one of `options` by name",
            "correct `options`, or the callable's parameters",
        ) from refusal
    network = made(**arguments)
    if not isinstance(network, nn.Module):
        raise UserError(
            f"{settings.network} returned a {type(network).__name__}",
            "a torch.nn.Module",
            "return the network itself",
        )
    return network


def _imported(reference: str) -> Callable[..., Any]:
    place, _, name = reference.partition(":")
    try:
        module = importlib.import_module(place)
    except ImportError as refusal:
        raise UserError(
            f"network: {reference}, whose module cannot be imported: {refusal}",
            "a module that Python finds",
            "install it, or put its folder on PYTHONPATH",
        ) from refusal
    try:
        found = attrgetter(name)(module)
    except AttributeError as refusal:
        raise UserError(
            f"network: {reference}: {refusal}",
            f"a callable of that name in {place}",
            "check the name after the colon",
        ) from refusal
    if not callable(found):
        raise UserError(
            f"network: {reference} is a {type(found).__name__}",
            "a callable that returns a torch.nn.Module",
            "name a function or a class",
        )
    made: Callable[..., Any] = found
    return made


def _rehearsed(made: nn.Module, reference: str, input_shape: tuple[int, ...]) -> Rehearsal:
    try:
        return rehearse(made, input_shape)
    except (RuntimeError, TypeError, ValueError) as refusal:
        raise UserError(
            f"{reference} cannot read a batch of shape {(PROBES, *input_shape)}: {refusal}",
            "a network that reads (N, *input_shape) float32",
            "build it for the input_shape that it is given",
        ) from refusal


def _check_logits(rehearsal: Rehearsal, reference: str, classes: int) -> None:
    logits = logits_of(rehearsal.answer)
    if isinstance(logits, torch.Tensor) and logits.shape == (PROBES, classes):
        return
    given = tuple(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
    raise UserError(
        f"{reference} gives {given} for {PROBES} samples",
        f"logits of shape {(PROBES, classes)}, alone or first in a tuple",
        "build it for the number of classes that it is given",
    )
