"""Published or earlier weights, put into a fresh network."""

import pickle
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from fckd.errors import UserError
from fckd.files import sha256_of_file
from fckd.models.hallucination import HallucinationNetwork
from fckd.models.network import ActionNetwork
from fckd.models.pixels import COLOURS

Weights = Mapping[str, torch.Tensor]

FOLDER = "pretrained"
SAFE = ".safetensors"
SCHEME = "sha256:"

NESTED = ("state_dict", "model")
"""Under which checkpoints keep the weights among other things."""
WRAPPERS = ("module.", "backbone.", "network.", "body.", "model.")
"""Modules around a network, whose names say nothing about it."""
HEADS = ("head.", "fc.", "classifier.", "cls_head.")
"""Names of what makes logits of features."""
OPTIONAL = "num_batches_tracked"
"""Of batch normalisation; older files lack it, and without it nothing changes."""
IMAGE_KERNEL = 4
"""Axes at least of a convolution over images: output and input channels, height and width."""
MOST_NAMED = 3


def pretrained_file(storage: Path, reference: str) -> Path:
    """Return the file that was fetched under `sha256:…`.

    Raises:
        UserError: Not such a reference, not fetched into this storage, or damaged.
    """
    digest = reference.removeprefix(SCHEME)
    if reference == digest or not re.fullmatch(r"[0-9a-f]{64}", digest):
        raise UserError(
            f"weights: {reference}",
            f"{SCHEME} and 64 hexadecimal digits, as pretrained weights are kept",
            "fetch the weights first",
        )
    found = next((storage / FOLDER).glob(f"{digest}.*"), None)
    if found is None or sha256_of_file(found) != digest:
        raise UserError(
            f"{found or storage / FOLDER}: no weights with the SHA-256 {digest}",
            "the file that was fetched there",
            "delete what is there of it, and run again from where the weights came from",
        )
    return found


def load_pretrained(network: ActionNetwork, file: Path) -> None:
    """Put the weights in `file` into `network`, by name, whatever wrappers the names tell of.

    A head that is absent or of another number of classes leaves the network's own as it is. Of two
    streams both begin with the same weights. Where the weights read colours and the network reads
    fewer channels (depth, infrared, flow), each of these is read by the mean over the colours of
    the first convolution, as TSN begins its flow network (Wang et al., ECCV 2016, cross-modality
    pre-training).

    Args:
        network: Changed in place.
        file: safetensors, or what `torch.save` has written; no code in it is executed.

    Raises:
        UserError: Not readable, or any weight but the head's is absent, in excess, or of another
            shape.
    """
    given = _read(file)
    for stream in _streams(network):
        own = stream.state_dict()
        stream.load_state_dict({**own, **_fitting(given, own, file)})


def _streams(network: ActionNetwork) -> tuple[ActionNetwork, ...]:
    if isinstance(network, HallucinationNetwork):
        return network.own, network.hallucination
    return (network,)


def _read(file: Path) -> Weights:
    try:
        content: Any = (
            load_file(file)
            if file.suffix == SAFE
            else torch.load(file, map_location="cpu", weights_only=True)
        )
    except (OSError, EOFError, RuntimeError, SafetensorError, pickle.UnpicklingError) as refusal:
        raise UserError(
            f"{file} cannot be read as weights: {refusal}",
            "a safetensors file, or tensors written by torch.save",
            "check that the file is whole; export it as safetensors if it holds more than tensors",
        ) from refusal
    weights = next((content[key] for key in NESTED if _is_mapping_at(content, key)), content)
    if not isinstance(weights, Mapping) or not all(map(torch.is_tensor, weights.values())):
        raise UserError(
            f"{file} holds no dictionary of tensors",
            f"names and tensors, or such a dictionary under {' or '.join(NESTED)}",
            "save the network's state_dict()",
        )
    return weights


def _is_mapping_at(content: Any, key: str) -> bool:
    return isinstance(content, Mapping) and isinstance(content.get(key), Mapping)


def _fitting(given: Weights, own: Weights, file: Path) -> dict[str, torch.Tensor]:
    """Return what `given` has for `own`, under the names of `own`."""
    source, target = _Names.of(given), _Names.of(own)
    wanted = {name: own[full] for name, full in target.body.items()}
    body = _of_fewer_channels({name: given[full] for name, full in source.body.items()}, wanted)
    _check_body(body, wanted, file)
    fitting = {full: body[name] for name, full in target.body.items() if name in body}
    head = {
        full: given[source.head[name]] for name, full in target.head.items() if name in source.head
    }
    if all(full in head and head[full].shape == own[full].shape for full in target.head.values()):
        fitting |= head
    return fitting


@dataclass(frozen=True)
class _Names:
    """Weights of body and head: name without wrappers -> full name."""

    body: dict[str, str]
    head: dict[str, str]

    @classmethod
    def of(cls, names: Iterable[str]) -> Self:
        plain = {name: name for name in names}
        while wrapper := _common_wrapper(plain):
            plain = {name.removeprefix(wrapper): full for name, full in plain.items()}
        body = {name: full for name, full in plain.items() if not name.startswith(HEADS)}
        head = {
            name.partition(".")[2]: full for name, full in plain.items() if name.startswith(HEADS)
        }
        return cls(body, head)


def _common_wrapper(names: Iterable[str]) -> str | None:
    """Return the wrapper that all names but the head's begin with."""
    body = [name for name in names if not name.startswith(HEADS)]
    wrappers = (wrapper for wrapper in WRAPPERS if all(name.startswith(wrapper) for name in body))
    return next(wrappers, None) if body else None


def _of_fewer_channels(given: Weights, own: Weights) -> Weights:
    """Return `given`, its first convolution's colours averaged if `own` reads fewer channels."""
    name = next((name for name, weight in own.items() if weight.ndim >= IMAGE_KERNEL), None)
    if name is None or name not in given:
        return given
    kernel, wanted = given[name], own[name].shape
    in_colours = kernel.shape == (wanted[0], COLOURS, *wanted[2:])
    if not in_colours or wanted[1] >= COLOURS:
        return given
    return {**given, name: kernel.mean(dim=1, keepdim=True).expand(wanted)}


def _check_body(given: Weights, own: Weights, file: Path) -> None:
    absent = [name for name in own if name not in given and not name.endswith(OPTIONAL)]
    excess = [name for name in given if name not in own]
    misshapen = [name for name in own if name in given and given[name].shape != own[name].shape]
    if not absent + excess + misshapen:
        return
    first = [_difference(name, given, own) for name in (absent + excess + misshapen)[:MOST_NAMED]]
    raise UserError(
        f"{file} does not fit the network: {len(absent)} weights are absent, {len(excess)} in "
        f"excess, {len(misshapen)} of another shape; first {'; '.join(first)}",
        f"the network's own {len(own)} weights; the head's may differ",
        "set modality, network, width, layers, normalization and excitation as they were when the "
        "weights were made",
    )


def _difference(name: str, given: Weights, own: Weights) -> str:
    found, wanted = (
        str(tuple(weights[name].shape)) if name in weights else "nothing"
        for weights in (given, own)
    )
    return f"{name} is {found} in place of {wanted}"
