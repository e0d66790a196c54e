"""What a student costs."""

import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from fckd.config.networks import READS, NetworkSettings
from fckd.data.readings import reading_shape
from fckd.models.network import PooledNetwork
from fckd.models.table import build_network
from fckd.train import cost as cost_module
from fckd.train.cost import device_name, student_cost

CLASSES = 5


@pytest.fixture(params=list(READS))
def every_network(request):
    """A network of each name, and what it reads; dropout lets torch fuse nothing as it learns."""
    settings = NetworkSettings(
        modality=READS[request.param][0],
        network=request.param,
        width=16,
        frames=16,
        size=32,
        dropout=0.5,
    )
    shape = reading_shape(settings, 20)
    return build_network(settings, shape, CLASSES), shape


def test_parameters_and_operations_are_those_counted_by_hand():
    body = torch.nn.Conv1d(6, 8, kernel_size=3, padding=1, bias=False)
    network = PooledNetwork(body, 8, CLASSES, dropout=0.0)
    cost = student_cost(network, [(6, 16)])
    assert cost["student/parameters"] == 6 * 8 * 3 + 8 * CLASSES + CLASSES
    assert cost["student/flops"] == 2 * (6 * 8 * 3 * 16 + 8 * CLASSES)


def test_a_transformer_performs_the_products_of_its_attention_and_layers():
    width, steps, stages = 8, 12, 3
    settings = NetworkSettings(modality="inertial", network="transformer", width=width)
    cost = student_cost(build_network(settings, (6, steps), CLASSES), [(6, steps)])
    convolution = 6 * width * 3 * steps
    projections = 4 * width * width * steps
    attention = 2 * steps * steps * width
    layers = 2 * width * (2 * width) * steps
    head = width * CLASSES
    products = convolution + stages * (projections + attention + layers) + head
    assert cost["student/flops"] == 2 * products


def test_a_student_performs_the_operations_that_it_learnt_with(every_network):
    network, shape = every_network
    with FlopCounterMode(display=False) as learning:
        network.train()(torch.zeros(1, *shape))
    assert student_cost(network, [shape])["student/flops"] == learning.get_total_flops()


def test_counting_leaves_fused_attention_switched_on():
    settings = NetworkSettings(modality="inertial", network="transformer", width=8)
    student_cost(build_network(settings, (6, 12), CLASSES), [(6, 12)])
    assert torch.backends.mha.get_fastpath_enabled()
    assert torch.backends.cuda.flash_sdp_enabled()


def test_a_slower_student_is_measured_slower():
    class Waiting(torch.nn.Conv1d):
        def forward(self, read):
            for _ in range(200):
                super().forward(read)
            return super().forward(read)

    plain, waiting = (
        PooledNetwork(kind(6, 8, 3), 8, CLASSES, dropout=0.0) for kind in (torch.nn.Conv1d, Waiting)
    )
    times = [student_cost(each, [(6, 16)])["student/milliseconds"] for each in (plain, waiting)]
    assert 0 < times[0] < times[1] / 5


def test_a_processor_is_called_as_the_system_calls_it_or_cpu(tmp_path, monkeypatch):
    described = tmp_path / "cpuinfo"
    monkeypatch.setattr(cost_module, "PROCESSORS", described)
    assert device_name(torch.device("cpu")) == "cpu"
    described.write_text("processor\t: 0\nmodel name\t: Example 9000 @ 2.0GHz\n")
    assert device_name(torch.device("cpu")) == "Example 9000 @ 2.0GHz"


def test_every_network_has_a_cost_and_is_left_as_it_was(every_network):
    network, shape = every_network
    network.train()
    before = {key: value.clone() for key, value in network.state_dict().items()}
    cost = student_cost(network, [shape])
    assert all(value > 0 for value in cost.values())
    assert network.training
    assert all(value.equal(before[key]) for key, value in network.state_dict().items())


def test_a_wider_student_costs_more():
    costs = []
    for width in (16, 32):
        settings = NetworkSettings(modality="inertial", network="temporal", width=width)
        shape = reading_shape(settings, 0)
        costs.append(student_cost(build_network(settings, shape, CLASSES), [shape]))
    assert costs[0]["student/parameters"] < costs[1]["student/parameters"]
    assert costs[0]["student/flops"] < costs[1]["student/flops"]
