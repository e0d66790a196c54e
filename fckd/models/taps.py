"""Feature maps taken from inside a network, by the dotted name of a module."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from fckd.errors import UserError
from fckd.models.network import ActionNetwork, NetworkOutput

LAST = "last"
"""The tap of a network's own feature map."""

PROBES = 2
"""Samples of a rehearsal."""
MOST_LISTED = 12
CHANNELS_LAST = (nn.LayerNorm, nn.Linear, nn.TransformerEncoder, nn.TransformerEncoderLayer)
"""Their output, and that of whatever is inside them, is no map (N, channels, *grid)."""


class TappedNetwork(ActionNetwork):
    """Another network's logits, with the output of one of its modules for a feature map.

    The hook that catches the map lives only as long as a pass, and the module is found by its name
    each time: copies, weights and wrappers of the network know nothing of it.

    Args:
        network: (N, *input_shape) float -> logits (N, classes), or a tuple that begins with them.
        tap: Dotted name of a module of `network`.
        feature_channels: Of that module's output.
    """

    def __init__(self, network: nn.Module, tap: str, feature_channels: int) -> None:
        super().__init__()
        self.network = network
        self.tap = tap
        self.feature_channels = feature_channels

    def forward(self, x: torch.Tensor) -> NetworkOutput:
        """Return logits and the tapped map of `x` (N, *input_shape) float."""
        outputs: dict[str, torch.Tensor] = {}
        with _watched({self.tap: self.network.get_submodule(self.tap)}, outputs.__setitem__):
            answer = self.network(x)
        return NetworkOutput(logits_of(answer), outputs[self.tap])


@dataclass(frozen=True)
class Rehearsal:
    """What came of a network on zeros.

    Attributes:
        answer: Of the network itself.
        channels: Of every module whose output is a map (N, channels, *grid).
        overwritten: Names of those whose output was changed in place afterwards.
    """

    answer: Any
    channels: dict[str, int]
    overwritten: frozenset[str]

    def channels_of(self, tap: str) -> int:
        """Return the channels of the map that `tap` names.

        Raises:
            UserError: Its output is no map, or does not last.
        """
        if tap not in self.channels:
            raise UserError(
                f"tap: {tap}",
                f"a module whose output is a map (N, channels, ...): {self.listing()}",
                "name one of these",
            )
        if tap in self.overwritten:
            raise UserError(
                f"tap: {tap}, whose output is changed in place by what follows it",
                "a map that stays as it was when it was made",
                "tap the module around it, or write that step without inplace=True",
            )
        return self.channels[tap]

    def listing(self) -> str:
        """Return the names of the maps in words, the outermost modules first."""
        names = sorted(self.channels, key=lambda name: name.count("."))
        more = f" and {len(names) - MOST_LISTED} more" if len(names) > MOST_LISTED else ""
        return ", ".join(names[:MOST_LISTED]) + more


def tapped(network: nn.Module, tap: str, input_shape: tuple[int, ...]) -> TappedNetwork:
    """Return `network` with the map at `tap` for its features.

    Raises:
        UserError: There is no such map.
    """
    return TappedNetwork(network, tap, rehearse(network, input_shape).channels_of(tap))


def rehearse(network: nn.Module, input_shape: tuple[int, ...]) -> Rehearsal:
    """Run `network` once on zeros; neither it nor the global random numbers are changed."""
    maps: dict[str, tuple[torch.Tensor, int]] = {}

    def see(name: str, output: Any) -> None:
        if isinstance(output, torch.Tensor) and output.ndim > 2 and len(output) == PROBES:
            maps[name] = (output, output._version)

    parameter = next(network.parameters(), torch.empty(0))
    zeros = torch.zeros(PROBES, *input_shape, device=parameter.device)
    with (
        _evaluating(network),
        _watched(_candidates(network), see),
        torch.random.fork_rng(devices=[]),
        torch.no_grad(),
    ):
        answer = network(zeros)
    return Rehearsal(
        answer,
        {name: output.shape[1] for name, (output, _) in maps.items()},
        frozenset(name for name, (output, version) in maps.items() if output._version != version),
    )


def _candidates(network: nn.Module) -> dict[str, nn.Module]:
    """Return the modules inside `network` that may hand on maps, by name."""
    around = [module for module in network.modules() if isinstance(module, CHANNELS_LAST)]
    left_out = {inner for module in around for inner in module.modules()}
    named = network.named_modules()
    return {name: module for name, module in named if name and module not in left_out}


def logits_of(answer: Any) -> Any:
    """Return what a network says first, or all that it says."""
    return answer[0] if isinstance(answer, tuple) else answer


@contextmanager
def _watched(modules: Mapping[str, nn.Module], see: Callable[[str, Any], None]) -> Iterator[None]:
    """Hand every output of the modules to `see`, by name, as long as the block lasts."""
    handles = [
        module.register_forward_hook(lambda _module, _inputs, output, name=name: see(name, output))
        for name, module in modules.items()
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


@contextmanager
def _evaluating(network: nn.Module) -> Iterator[None]:
    """Put the network into evaluation mode; afterwards each module is in its own mode again."""
    modes = [(module, module.training) for module in network.modules()]
    network.eval()
    try:
        yield
    finally:
        for module, training in modes:
            module.training = training
