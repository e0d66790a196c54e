"""Students stepped together, parameters stacked, against one after another.

    python -m benchmarks.packed_steps [--json FILE]

The UTD-MHAD inertial student (batch 32, cross-entropy, AdamW), on one CPU thread, CPU time; both
ways take turns.
"""

import copy
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.func import functional_call, stack_module_state
from torch.nn import functional as F

from benchmarks.results import median_and_range, parser, tell
from fckd.config.networks import Modality, NetworkSettings
from fckd.models.table import build_network

SHAPE, CLASSES, BATCH, STEPS = (6, 96), 27, 32, 7
STUDENTS = (2, 4, 8)
SETTINGS = NetworkSettings(modality=Modality.INERTIAL, network="temporal", width=64, frames=96)


def main() -> None:
    """Measure packs of every size and print a table."""
    given = parser(__doc__).parse_args()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    read, labels = torch.randn(BATCH, *SHAPE), torch.randint(CLASSES, (BATCH,))
    rows = []
    for count in STUDENTS:
        networks = [build_network(SETTINGS, SHAPE, CLASSES).train() for _ in range(count)]
        stacked, single = _stacked(networks, read, labels), _single(networks, read, labels)
        ratios = [_seconds(single) / _seconds(stacked) for _ in range(STEPS)][1:]
        rows.append((count, *median_and_range(ratios)))
    tell(("students", "times faster together", "range"), rows, given.json)


def _single(networks: list[nn.Module], read: Tensor, labels: Tensor) -> Callable[[], None]:
    optimizers = [torch.optim.AdamW(network.parameters()) for network in networks]

    def step() -> None:
        for network, optimizer in zip(networks, optimizers, strict=True):
            optimizer.zero_grad(set_to_none=True)
            F.cross_entropy(network(read).logits, labels).backward()  # type: ignore[no-untyped-call]
            optimizer.step()

    return step


def _stacked(networks: list[nn.Module], read: Tensor, labels: Tensor) -> Callable[[], None]:
    taken, buffers = stack_module_state(networks)
    parameters = {name: value.detach().clone().requires_grad_() for name, value in taken.items()}
    optimizer = torch.optim.AdamW(parameters.values())
    frame = copy.deepcopy(networks[0]).to("meta")

    def loss(own: dict[str, Tensor], state: dict[str, Tensor]) -> Tensor:
        return F.cross_entropy(functional_call(frame, (own, state), (read,)).logits, labels)

    losses = torch.vmap(loss, randomness="different")

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        losses(parameters, buffers).sum().backward()
        optimizer.step()

    return step


def _seconds(step: Callable[[], None]) -> float:
    begun = time.process_time()
    step()
    return time.process_time() - begun


if __name__ == "__main__":
    main()
