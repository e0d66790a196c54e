"""A student's network in torch, from its safetensors."""

from collections.abc import Callable, Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load

from fckd.errors import UserError
from fckd.models.network import ActionNetwork
from fckd.models.table import build_network
from fckd.registry.card import Card
from fckd.registry.folder import CARD, WEIGHTS
from fckd.registry.student import Floats


def torch_answers(
    folder: Path, card: Card, content: Mapping[str, bytes], trust_plug_in: bool
) -> Callable[[Floats], Floats]:
    """Return what computes probabilities.

    Args:
        folder: Where it came from, for the message of an error.
        card: The student's.
        content: The verified files.
        trust_plug_in: Whether the code of a plug-in may be imported and run.

    Raises:
        UserError: The weights are not those of the card's network, or the network is a plug-in
            that is not trusted.
    """
    if card.network.is_plug_in and not trust_plug_in:
        _refuse_plug_in(folder, card)
    place = str(folder / WEIGHTS)
    try:
        weights = load(content[WEIGHTS])
    except SafetensorError as refusal:
        raise UserError(
            f"{place} is not a safetensors file: {refusal}",
            "weights as packed by fckd",
            "pull the student again",
        ) from refusal
    network = filled_network(weights, card, place)

    def answer(batch: Floats) -> Floats:
        with torch.inference_mode():
            probabilities: Floats = network(torch.from_numpy(batch)).logits.softmax(dim=1).numpy()
        return probabilities

    return answer


def filled_network(weights: Mapping[str, torch.Tensor], card: Card, place: str) -> ActionNetwork:
    """Return the card's network with these weights, ready to answer; a plug-in's code is run.

    Args:
        weights: The state dictionary.
        card: Describes the network.
        place: Where the weights are, for the message of an error.

    Raises:
        UserError: Tensors are absent, in excess, or of another shape or type.
    """
    network = _empty_network(card)
    expected = {name: _form(tensor) for name, tensor in network.state_dict().items()}
    given = {name: _form(tensor) for name, tensor in weights.items()}
    wrong = sorted(name for name in expected | given if expected.get(name) != given.get(name))
    if wrong:
        name = wrong[0]
        raise UserError(
            f"{place}: {len(wrong)} tensors do not fit, first {name}: {given.get(name, 'absent')}",
            f"{name}: {expected.get(name, 'absent')}, as in the network of {CARD}",
            "pack the weights with the card of the experiment that trained them",
        )
    network.load_state_dict(weights, assign=True)
    return network.eval().requires_grad_(False)


def _empty_network(card: Card) -> ActionNetwork:
    # On the meta device nothing is allocated; what a plug-in does there is not known. Both ways
    # the caller's random numbers are left alone.
    own = not card.network.is_plug_in
    with torch.device("meta") if own else torch.random.fork_rng(devices=[]):
        return build_network(card.network, card.input_shape, len(card.classes))


def _refuse_plug_in(folder: Path, card: Card) -> None:
    module, _, name = card.network.network.partition(":")
    raise UserError(
        f"{folder} holds a plug-in: loading it imports the module {module} and calls {name}",
        "a student whose network is fckd's own, or your word that this code may run",
        "read that code; then say --trust-plug-in, or trust_plug_in=True",
    )


def _form(tensor: torch.Tensor) -> str:
    return f"{tuple(tensor.shape)} {str(tensor.dtype).removeprefix('torch.')}"
