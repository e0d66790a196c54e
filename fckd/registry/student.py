"""A student as a folder that needs no trust: weights, card and sums; nothing in it is executed."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load, save_file

from fckd.errors import UserError
from fckd.files import new_folder, write_json
from fckd.models.network import ActionNetwork
from fckd.models.table import build_network
from fckd.registry.card import Card, parse_card
from fckd.registry.model_card import model_card
from fckd.registry.sums import read_verified, write_sums

WEIGHTS = "model.safetensors"
CARD = "card.json"
README = "README.md"

BATCH = 64


@dataclass(frozen=True)
class Student:
    """A network ready to answer, and what is known about it."""

    card: Card
    network: ActionNetwork

    def probabilities(self, readings: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return (N, classes) float32 whose rows sum to 1.

        Args:
            readings: (N, *input_shape) float32, as `evaluation_reading` makes them.

        Raises:
            UserError: Another shape.
        """
        if readings.shape[1:] != self.card.input_shape:
            raise UserError(
                f"readings of shape {readings.shape}",
                f"(N, {', '.join(map(str, self.card.input_shape))})",
                "read the recording with fckd.data.readings.evaluation_reading",
            )
        answers = np.empty((len(readings), len(self.card.classes)), np.float32)
        with torch.inference_mode():
            for start in range(0, len(readings), BATCH):
                batch = np.array(readings[start : start + BATCH], np.float32)
                logits = self.network(torch.from_numpy(batch)).logits
                answers[start : start + BATCH] = logits.softmax(dim=1).numpy()
        return answers


def pack_student(folder: Path, weights: Mapping[str, torch.Tensor], card: Card) -> None:
    """Write a student to `folder`, whole or not at all.

    Args:
        folder: Replaced if it exists.
        weights: The network's state dictionary, without embeddings or teachers.
        card: What is known about it.

    Raises:
        UserError: The weights are not those of the card's network, or the place cannot be
            written.
    """
    _check_tensors(weights, card, str(folder))
    with new_folder(folder) as temporary:
        # contiguous copies: safetensors refuses tensors that share memory
        tensors = {name: tensor.detach().cpu().clone() for name, tensor in weights.items()}
        contiguous = {name: tensor.contiguous() for name, tensor in tensors.items()}
        save_file(contiguous, temporary / WEIGHTS)
        write_json(temporary / CARD, card.model_dump(mode="json"))
        (temporary / README).write_text(model_card(card), encoding="utf-8")
        write_sums(temporary)


def load_student(folder: Path, *, trust_plug_in: bool = False) -> Student:
    """Load the student in `folder` after checking the sum of every file.

    Args:
        folder: A packed or pulled student.
        trust_plug_in: Whether the code of a plug-in may be imported and run. It is not in the
            folder, but on this machine; its name comes from the card.

    Raises:
        UserError: A file is absent, changed or not what it should be; or the network is a plug-in
            that is not trusted.
    """
    card, content = read_student(folder)
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
    _check_tensors(weights, card, place)
    network = _empty_network(card)
    network.load_state_dict(weights, assign=True)
    return Student(card, network.eval().requires_grad_(False))


def read_student(folder: Path) -> tuple[Card, dict[str, bytes]]:
    """Return the card and the verified content of every file, without building the network.

    Raises:
        UserError: As `load_student`, but for the weights' own format.
    """
    content = read_verified(folder, required=(WEIGHTS, CARD, README))
    place = str(folder / CARD)
    try:
        document = json.loads(content[CARD])
    except ValueError as refusal:
        raise UserError(
            f"{place} is not JSON: {refusal}", "a card as packed by fckd", "pull the student again"
        ) from refusal
    return parse_card(document, place), content


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


def _check_tensors(weights: Mapping[str, torch.Tensor], card: Card, place: str) -> None:
    expected = {name: _form(tensor) for name, tensor in _empty_network(card).state_dict().items()}
    given = {name: _form(tensor) for name, tensor in weights.items()}
    wrong = sorted(name for name in expected | given if expected.get(name) != given.get(name))
    if wrong:
        name = wrong[0]
        raise UserError(
            f"{place}: {len(wrong)} tensors do not fit, first {name}: {given.get(name, 'absent')}",
            f"{name}: {expected.get(name, 'absent')}, as in the network of {CARD}",
            "pack the weights with the card of the experiment that trained them",
        )


def _form(tensor: torch.Tensor) -> str:
    return f"{tuple(tensor.shape)} {str(tensor.dtype).removeprefix('torch.')}"
