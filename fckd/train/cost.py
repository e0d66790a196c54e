"""What a student costs whoever uses it: parameters, arithmetic, and time on this machine."""

import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from fckd.models.network import ActionNetwork

WARM_UP = 3
RUNS = 20
SECONDS = 1.0
"""Spent on timing at most, but for the first runs."""

PROCESSORS = Path("/proc/cpuinfo")

Shapes = Sequence[tuple[int, ...]]
"""Of one reading of each modality, without the batch."""


def student_cost(network: ActionNetwork, shapes: Shapes) -> dict[str, float]:
    """Return what one prediction of one recording costs.

    Args:
        network: Left as it is, where it is.
        shapes: Of what it reads.

    Returns:
        `student/parameters`; `student/flops`, floating-point operations of convolutions and matrix
        products, a multiplication and an addition counted as two; and `student/milliseconds`, the
        median of up to 20 runs on this device and number of threads, whatever else it is doing.
    """
    was_training = network.training
    network.eval()
    device = next(network.parameters()).device
    read = [torch.zeros(1, *shape, device=device) for shape in shapes]
    with torch.no_grad():
        with _attention_in_products(), FlopCounterMode(display=False) as counter:
            network(*read)
        milliseconds = 1e3 * _median_seconds(network, read)
    network.train(was_training)
    return {
        "student/parameters": float(sum(p.numel() for p in network.parameters())),
        "student/flops": float(counter.get_total_flops()),
        "student/milliseconds": milliseconds,
    }


def device_name(device: torch.device) -> str:
    """Return what a device is called: milliseconds compare only on one kind of device."""
    if device.type == "cuda":
        return torch.cuda.get_device_name(device)
    with suppress(OSError):
        for line in PROCESSORS.read_text().splitlines():
            name, _, value = line.partition(":")
            if name.strip() == "model name":
                return value.strip()
    return device.type


@contextmanager
def _attention_in_products() -> Iterator[None]:
    """Compute attention by plain matrix products: what is fused for speed is not counted."""
    before = torch.backends.mha.get_fastpath_enabled()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        with sdpa_kernel(SDPBackend.MATH):
            yield
    finally:
        torch.backends.mha.set_fastpath_enabled(before)


def _median_seconds(network: ActionNetwork, read: list[torch.Tensor]) -> float:
    for _ in range(WARM_UP):
        network(*read)
    times: list[float] = []
    while len(times) < RUNS and sum(times) < SECONDS:
        _wait(read[0].device)
        begun = time.perf_counter()
        network(*read)
        _wait(read[0].device)
        times.append(time.perf_counter() - begun)
    return statistics.median(times)


def _wait(device: torch.device) -> None:
    """Wait for the device: on a GPU a call returns before its work is done."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
