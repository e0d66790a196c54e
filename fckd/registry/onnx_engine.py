"""A student in onnxruntime, from its ONNX file: without torch, or any code of a plug-in."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import onnxruntime

from fckd.errors import UserError
from fckd.registry.card import Card
from fckd.registry.folder import ONNX
from fckd.registry.student import Floats

READINGS, PROBABILITIES = "readings", "probabilities"
"""Of the graph: (N, *input_shape) float32 in, (N, classes) float32 out."""

_ERRORS_ONLY = 4


def onnx_answers(
    folder: Path, card: Card, content: Mapping[str, bytes]
) -> Callable[[Floats], Floats]:
    """Return what computes probabilities.

    Args:
        folder: Where it came from, for the message of an error.
        card: The student's.
        content: The verified files.

    Raises:
        UserError: The folder has no ONNX file, or it is not one of the card's network.
    """
    if ONNX not in content:
        raise UserError(
            f"{folder} holds no {ONNX}",
            "a student that was packed where fckd[onnx] was installed, or torch",
            "pip install torch, or pack the student again",
        )
    session = _session(folder, content[ONNX])
    _check_form(session, card, str(folder / ONNX))

    def answer(batch: Floats) -> Floats:
        probabilities: Floats = session.run([PROBABILITIES], {READINGS: batch})[0]
        return probabilities

    return answer


def _session(folder: Path, graph: bytes) -> Any:
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY  # what goes wrong is raised as well
    try:
        # from bytes, so that a graph cannot name other files to be read
        return onnxruntime.InferenceSession(graph, options, ["CPUExecutionProvider"])
    except Exception as refusal:
        raise UserError(
            f"{folder / ONNX} is not an ONNX file that onnxruntime runs: {refusal}",
            "a graph as packed by fckd",
            "pull the student again",
        ) from refusal


def _check_form(session: Any, card: Card, place: str) -> None:
    given = [
        (node.name, node.type, list(node.shape[1:]))
        for node in (*session.get_inputs(), *session.get_outputs())
    ]
    expected = [
        (READINGS, "tensor(float)", list(card.input_shape)),
        (PROBABILITIES, "tensor(float)", [len(card.classes)]),
    ]
    if given != expected:
        raise UserError(
            f"{place} reads and gives {given}",
            f"{expected}, as the card says",
            "pack the student again",
        )
