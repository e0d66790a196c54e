"""A network whose training passes go through `torch.compile`."""

import os
import shutil
from collections.abc import Callable
from typing import Any

import torch

from fckd.distill.kernels import lacking, python_headers
from fckd.errors import TrainingError
from fckd.models.network import ActionNetwork, NetworkOutput

REMEDY = "or set training.compile to false"


def compiled(network: ActionNetwork, device: torch.device) -> Callable[..., NetworkOutput]:
    """Return the forward pass of `network`, compiled when it is first called.

    Measuring and whatever else calls the network itself go on without: each shape and mode would
    be compiled anew.

    Raises:
        TrainingError: The compiler's needs are not met here, or, when called, it fails.
    """
    if missing := lacking() if device.type == "cuda" else _lacking_on_cpu():
        raise TrainingError(
            f"training.compile: {missing} is missing where this trial runs; install it, {REMEDY}"
        )
    # Here, for they take seconds to import.
    from torch._dynamo.exc import BackendCompilerFailed
    from torch._functorch import config

    # Of one code, which all trainings of this process share, torch keeps eight variants and then
    # compiles no more.
    torch.compiler.reset()
    # The gradients of single terms are measured on the way, so that a step goes back twice.
    config.donated_buffer = False
    passes: Callable[..., NetworkOutput] = torch.compile(network.forward, dynamic=False)

    def answer(*readings: Any) -> NetworkOutput:
        try:
            return passes(*readings)
        except BackendCompilerFailed as refusal:
            said = next(iter(str(refusal).splitlines()), type(refusal).__name__)
            raise TrainingError(
                f"training.compile: {said}; see what torch's compiler needs, {REMEDY}"
            ) from refusal

    return answer


def _lacking_on_cpu() -> str:
    if not (os.environ.get("CXX") or shutil.which("g++")):
        return "g++"
    return "" if python_headers().exists() else "Python.h"
