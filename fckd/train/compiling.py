"""A network whose training passes go through `torch.compile`."""

import os
import shutil
from collections.abc import Callable

import torch
from torch._functorch import config

from fckd.errors import TrainingError
from fckd.models.network import ActionNetwork, NetworkOutput

COMPILERS = ("g++", "clang++")


def compiled(network: ActionNetwork) -> Callable[..., NetworkOutput]:
    """Return the forward pass of `network`, compiled when it is first called.

    Measuring and whatever else calls the network itself go on without: each shape and mode would
    be compiled anew.

    Raises:
        TrainingError: There is no compiler.
    """
    if not (os.environ.get("CXX") or any(map(shutil.which, COMPILERS))):
        raise TrainingError(
            "training.compile needs a C++ compiler where a trial runs, and there is none: install "
            f"{COMPILERS[0]}, or set training.compile to false"
        )
    # The gradients of single terms are measured on the way, so that a step goes back twice.
    config.donated_buffer = False
    passes: Callable[..., NetworkOutput] = torch.compile(network.forward, dynamic=False)
    return passes
