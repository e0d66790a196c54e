"""A student that answers: loaded from its folder by the engine that is installed."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from fckd.errors import UserError, to_install
from fckd.registry.card import Card
from fckd.registry.folder import read_student

BATCH = 64

Floats = NDArray[np.float32]


class Engine(StrEnum):
    """What computes the answers: torch from the safetensors, or onnxruntime from the ONNX file."""

    TORCH = "torch"
    ONNX = "onnx"


@dataclass(frozen=True)
class Student:
    """A network ready to answer, and what is known about it.

    Attributes:
        card: What is known.
        engine: Who computes.
        answer: (N, *input_shape) float32 -> (N, classes) float32 probabilities.
    """

    card: Card
    engine: Engine
    answer: Callable[[Floats], Floats]

    def probabilities(self, readings: Floats) -> Floats:
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
        for start in range(0, len(readings), BATCH):
            batch = np.array(readings[start : start + BATCH], np.float32)
            answers[start : start + BATCH] = self.answer(batch)
        return answers


def load_student(
    folder: Path,
    *,
    trust_plug_in: bool = False,
    engine: Engine | None = None,
    public_key: Path | None = None,
) -> Student:
    """Load the student in `folder` after checking the sum of every file.

    Args:
        folder: A packed or pulled student.
        trust_plug_in: Whether the code of a plug-in may be imported and run. It is not in the
            folder, but on this machine; its name comes from the card. ONNX runs none of it.
        engine: Torch where it is installed, if not given.
        public_key: Who must have signed it; by default the key that FCKD_PUBLIC_KEY names.

    Raises:
        UserError: A file is absent, changed or not what it should be; it is not signed by the
            trusted key; the network is a plug-in
            that is not trusted; or the engine is not installed.
    """
    card, content = read_student(folder, public_key)
    chosen = engine or (Engine.TORCH if find_spec("torch") else Engine.ONNX)
    package = {Engine.TORCH: "torch", Engine.ONNX: "onnxruntime"}[chosen]
    if find_spec(package) is None:
        raise UserError(
            f"{package} is not installed",
            "torch, or onnxruntime for students that have an ONNX file",
            f"pip install torch, or {to_install('student')}",
        )
    # Each engine takes a second or more to import.
    if chosen is Engine.TORCH:
        from fckd.registry.torch_engine import torch_answers

        return Student(card, chosen, torch_answers(folder, card, content, trust_plug_in))
    from fckd.registry.onnx_engine import onnx_answers

    return Student(card, chosen, onnx_answers(folder, card, content))
