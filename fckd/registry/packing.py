"""A student packed as a folder that needs no trust: nothing in it is executed."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

import torch
from safetensors.torch import save_file

from fckd.errors import UserError, to_install
from fckd.files import new_folder, write_json
from fckd.models.network import ActionNetwork
from fckd.registry.card import Card
from fckd.registry.folder import CARD, ONNX, README, WEIGHTS
from fckd.registry.model_card import model_card
from fckd.registry.signature import sign, signing_key
from fckd.registry.sums import write_sums
from fckd.registry.torch_engine import filled_network

EXPORTERS = ("onnx", "onnxscript", "onnxruntime")


def pack_student(
    folder: Path, weights: Mapping[str, torch.Tensor], card: Card, *, onnx: bool = False
) -> Card:
    """Write a student to `folder`, whole or not at all; return its card.

    It is signed where FCKD_SIGNING_KEY names a key.

    Args:
        folder: Replaced if it exists.
        weights: The network's state dictionary, without embeddings or teachers.
        card: What is known about it.
        onnx: Whether an ONNX file is added, where its packages are installed and it answers as
            torch does; what its check found, or why there is none, goes into the card.

    Raises:
        UserError: The weights are not those of the card's network, the place cannot be written,
            or the key cannot be read.
    """
    key = signing_key()
    # contiguous copies: safetensors refuses tensors that share memory
    tensors = {name: tensor.detach().cpu().clone().contiguous() for name, tensor in weights.items()}
    network = filled_network(tensors, card, str(folder))
    with new_folder(folder) as temporary:
        if onnx:
            card = _add_onnx(temporary, network, card)
        save_file(tensors, temporary / WEIGHTS)
        write_json(temporary / CARD, card.model_dump(mode="json"))
        (temporary / README).write_text(model_card(card), encoding="utf-8")
        write_sums(temporary)
        if key is not None:
            sign(temporary, key)
    return card


def _add_onnx(folder: Path, network: ActionNetwork, card: Card) -> Card:
    absent = [name for name in EXPORTERS if find_spec(name) is None]
    if absent:
        reason = f"{', '.join(absent)} not installed; {to_install('onnx')}"
        return card.model_copy(update={"without_onnx": reason})
    # seconds to import
    from fckd.registry.onnx_export import export_onnx

    try:
        graph, checked = export_onnx(network, card.input_shape)
    except UserError as refusal:  # the student is whole without it
        return card.model_copy(update={"without_onnx": refusal.given})
    (folder / ONNX).write_bytes(graph)
    return card.model_copy(update={"onnx": checked})
