"""A student's network as an ONNX file, written only if it answers as torch does."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import onnxruntime
import torch
from torch import nn

from fckd.errors import UserError
from fckd.models.network import ActionNetwork
from fckd.registry.card import OnnxFile
from fckd.registry.onnx_engine import PROBABILITIES, READINGS

LIMIT = 1e-4
"""The largest difference of a probability; what is usual is 1e-7."""

COMPARED = 16


def export_onnx(network: ActionNetwork, input_shape: tuple[int, ...]) -> tuple[bytes, OnnxFile]:
    """Return the ONNX file of a network in evaluation mode, and what its check has found.

    The graph reads (N, *input_shape) float32 `readings` and gives (N, classes) `probabilities`.

    Raises:
        UserError: The network (a plug-in) cannot be exported, or onnxruntime answers otherwise
            than torch.
    """
    model = _traced(network, input_shape)
    _forget_origin(model)
    graph: bytes = model.SerializeToString(deterministic=True)
    difference = _difference(graph, network, input_shape)
    if difference > LIMIT:
        raise UserError(
            f"in onnxruntime the student answers otherwise than in torch: {difference:.2g} apart",
            f"probabilities within {LIMIT:g}",
            "use the safetensors with torch, and report this network",
        )
    opset = max(entry.version for entry in model.opset_import)
    return graph, OnnxFile(opset=opset, max_difference=difference, compared=COMPARED)


def _traced(network: ActionNetwork, input_shape: tuple[int, ...]) -> Any:
    try:
        with _quiet(), torch.no_grad():
            program = torch.onnx.export(
                _Probabilities(network).eval(),
                (torch.zeros(2, *input_shape),),
                input_names=[READINGS],
                output_names=[PROBABILITIES],
                dynamic_shapes=({0: torch.export.Dim("samples")},),
                dynamo=True,
                verbose=False,
            )
    except torch.onnx.OnnxExporterError as refusal:
        reason = str(refusal.__cause__ or refusal).strip().partition("\n")[0]
        raise UserError(
            f"torch cannot export the network to ONNX: {reason}",
            "a network that torch.export can trace for any number of samples",
            "use the safetensors with torch, or write that step otherwise",
        ) from refusal
    if program is None:
        raise TypeError("torch.onnx.export returned nothing")
    return program.model_proto


class _Probabilities(nn.Module):
    def __init__(self, network: ActionNetwork) -> None:
        super().__init__()
        self.network = network

    def forward(self, readings: torch.Tensor) -> torch.Tensor:
        return self.network(readings).logits.softmax(dim=1)


def _difference(graph: bytes, network: ActionNetwork, input_shape: tuple[int, ...]) -> float:
    """Return the largest difference of a probability over random readings, alone and in a batch."""
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    drawn = np.random.default_rng(0).standard_normal((COMPARED, *input_shape)).astype(np.float32)
    found = []
    for readings in (drawn[:1], drawn[1:]):
        with torch.inference_mode():
            expected = network(torch.from_numpy(readings)).logits.softmax(dim=1).numpy()
        answers = session.run([PROBABILITIES], {READINGS: readings})[0]
        found.append(float(np.abs(answers - expected).max()))
    # NaN would pass any comparison, and max() may drop it
    return max(found) if np.isfinite(found).all() else float("inf")


def _forget_origin(model: Any) -> None:
    """Take out where each operation stood in the sources: paths of this machine, and much room."""
    model.ClearField("metadata_props")
    graph = model.graph
    for entry in (*graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        entry.ClearField("metadata_props")
        entry.ClearField("doc_string")
    graph.ClearField("metadata_props")


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence the exporter: it warns of packages that are not needed and of its own internals."""
    exporter = logging.getLogger("torch.onnx")
    level = exporter.level
    exporter.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        exporter.setLevel(level)
