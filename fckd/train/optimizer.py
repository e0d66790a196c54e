"""AdamW as every training has it, and its learning rate."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from fckd.config.experiment import TrainingSettings

KEPT = ("lr", "capturable")
"""Of an optimiser whose state is replaced: what depends on the device."""


def optimizer_of(
    module: nn.Module, training: TrainingSettings, device: torch.device
) -> torch.optim.Optimizer:
    """Return AdamW in one kernel; weight decay on matrices and kernels only, as is usual."""
    decayed = [p for p in module.parameters() if p.ndim > 1]
    rest = [p for p in module.parameters() if p.ndim <= 1]
    groups = [
        {"params": decayed, "weight_decay": training.weight_decay},
        {"params": rest, "weight_decay": 0.0},
    ]
    on_gpu = device.type == "cuda"
    # On a GPU a captured step reads it anew each time (see `fckd.train.graphs`).
    rate = torch.tensor(training.learning_rate, device=device) if on_gpu else training.learning_rate
    return torch.optim.AdamW(groups, lr=rate, fused=True, capturable=on_gpu)


def set_learning_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set that of all parameters."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(rate)
        else:
            group["lr"] = rate


def restore_optimizer(optimizer: torch.optim.Optimizer, state: Mapping[str, Any]) -> None:
    """Load a state, perhaps of another kind of device; how the optimiser computes stays."""
    kept = [{name: group[name] for name in KEPT} for group in optimizer.param_groups]
    groups = [{**group, **own} for group, own in zip(state["param_groups"], kept, strict=True)]
    optimizer.load_state_dict({**state, "param_groups": groups})
