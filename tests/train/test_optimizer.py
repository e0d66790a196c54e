"""The state of an optimiser moves between kinds of device; how it computes does not."""

import torch
from torch import nn

from fckd.config.experiment import TrainingSettings
from fckd.train.optimizer import optimizer_of, restore_optimizer, set_learning_rate

CPU = torch.device("cpu")


def stepped(module, optimizer):
    module.weight.grad = torch.ones_like(module.weight)
    module.bias.grad = torch.ones_like(module.bias)
    optimizer.step()
    return optimizer


def test_weights_decay_and_biases_do_not():
    decayed, rest = optimizer_of(
        nn.Linear(3, 2), TrainingSettings(weight_decay=0.3), CPU
    ).param_groups
    assert [value.ndim for value in decayed["params"]] == [2]
    assert [value.ndim for value in rest["params"]] == [1]
    assert (decayed["weight_decay"], rest["weight_decay"]) == (0.3, 0.0)


def test_a_learning_rate_that_is_a_tensor_is_changed_in_place():
    optimizer = optimizer_of(nn.Linear(3, 2), TrainingSettings(), CPU)
    rate = torch.tensor(0.5)
    optimizer.param_groups[0]["lr"] = rate
    set_learning_rate(optimizer, 0.25)
    assert float(rate) == 0.25
    assert optimizer.param_groups[1]["lr"] == 0.25


def test_a_state_from_a_gpu_is_taken_on_by_a_cpu():
    torch.manual_seed(0)
    module = nn.Linear(3, 2)
    state = stepped(module, optimizer_of(module, TrainingSettings(), CPU)).state_dict()
    for group in state["param_groups"]:
        group |= {"lr": torch.tensor(0.7), "capturable": True}
    restored = optimizer_of(module, TrainingSettings(learning_rate=0.1), CPU)
    restore_optimizer(restored, state)
    for group in restored.param_groups:
        assert (group["lr"], group["capturable"]) == (0.1, False)
    moments = restored.state[module.weight]
    assert moments["step"] == 1
    assert moments["exp_avg"].equal(torch.full((2, 3), 0.1))
    stepped(module, restored)
    assert moments["step"] == 2
