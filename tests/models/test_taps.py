"""Feature maps from inside a network."""

import copy

import pytest
import torch
from torch.nn import functional as F

from fckd.config.networks import Modality
from fckd.errors import UserError
from fckd.models.taps import rehearse
from tests.models.toys import CLASSES, EACH, WIDTH, Toy

STAGES = {
    "temporal": "body.stages.1",
    "tcn": "body.stages.1",
    "transformer": "body.stages.1",
    "graph": "body.stages.6",
    "heatmap3d": "body.stages.1",
    "video": "body.stages.2",
    "r2plus1d": "body.layer3",
    "tsm": "body.layer3",
    "x3d": "body.stages.2",
}
VIDEO = Toy("video", Modality.DEPTH)
SERIES = Toy("transformer", Modality.INERTIAL)

each_network = pytest.mark.parametrize("toy", EACH, ids=str)


def hooks(network):
    return sum(len(module._forward_hooks) for module in network.modules())


@each_network
def test_a_stage_inside_every_network_can_be_tapped(toy):
    network = toy.build(tap=STAGES[toy.network])
    features = network(toy.readings()).features
    assert features.shape[:2] == (4, network.feature_channels)
    assert features.ndim >= 3
    assert features.min() >= 0 or toy.network == "transformer"


@each_network
def test_a_tap_changes_neither_the_weights_of_a_seed_nor_the_logits(toy):
    torch.manual_seed(3)
    plain = toy.build()
    torch.manual_seed(3)
    network = toy.build(tap=STAGES[toy.network])
    after = torch.rand(1)
    torch.manual_seed(3)
    toy.build()
    assert torch.equal(after, torch.rand(1))
    batch = toy.readings()
    assert torch.equal(network(batch).logits, plain(batch).logits)


def test_a_tapped_map_is_what_the_module_hands_on():
    network = VIDEO.build(tap="body.stages.2").eval()
    seen = []
    network.network.body.stages[2].register_forward_hook(lambda _m, _i, out: seen.append(out))
    assert network(VIDEO.readings()).features is seen[0]


def test_the_gradient_of_a_tapped_map_stops_where_it_was_taken():
    network = VIDEO.build(tap="body.stages.1")
    network(VIDEO.readings()).features.sum().backward()
    with_gradient = {
        name.split("stages.")[1][0]
        for name, parameter in network.named_parameters()
        if parameter.grad is not None and "stages." in name
    }
    assert with_gradient == {"0", "1"}


def test_no_hook_is_left_behind_even_by_an_error():
    network = VIDEO.build(tap="body.stages.2")
    network(VIDEO.readings())
    with pytest.raises(RuntimeError):
        network(torch.rand(2, 5, 8, 32, 32))
    assert hooks(network) == 0


def test_a_copy_of_a_tapped_network_taps_itself():
    network = VIDEO.build(tap="body.stages.2").eval()
    other = copy.deepcopy(network)
    torch.nn.init.zeros_(other.network.body.stages[2].across_normalization.weight)
    batch = VIDEO.readings()
    assert network(batch).features.abs().sum() > 0
    assert other(batch).features.abs().sum() == 0


def test_a_tapped_network_can_be_wrapped_for_several_ranks():
    network = VIDEO.build(tap="body.stages.2")
    synchronised = torch.nn.SyncBatchNorm.convert_sync_batchnorm(network).eval()
    assert synchronised(VIDEO.readings()).features.shape[1] == network.feature_channels


def test_a_tapped_network_is_built_without_memory_too():
    source = VIDEO.build(tap="body.stages.2").eval()
    with torch.device("meta"):
        network = VIDEO.build(tap="body.stages.2")
    assert network.feature_channels == source.feature_channels
    network.load_state_dict(source.state_dict(), assign=True)
    batch = VIDEO.readings()
    assert torch.equal(network.eval()(batch).features, source(batch).features)


def test_a_tapped_map_is_not_what_the_head_reads():
    assert VIDEO.build(tap="body.stages.2").class_weights is None


@pytest.mark.parametrize("tap", ["body.stages.9", "head", "body.stages.0.within.weight", ""])
def test_what_is_no_map_cannot_be_tapped(tap):
    with pytest.raises(UserError, match=r"tap: [\s\S]*body, .*body\.stages\.0, body\.stages\.1"):
        VIDEO.build(tap=tap)


@pytest.mark.parametrize("tap", ["body.output.normalization", "body.stages.0.layer"])
def test_what_has_its_channels_last_cannot_be_tapped(tap):
    with pytest.raises(
        UserError, match=r"tap: body[\s\S]*body, .*body\.stages\.0, body\.stages\.1"
    ):
        SERIES.build(tap=tap)


def test_every_map_that_a_transformer_offers_has_its_channels_first():
    offered = rehearse(SERIES.build(), SERIES.shape).channels
    assert set(offered.values()) == {SERIES.shape[0], WIDTH}
    assert {"body", "body.embedding", "body.stages.2", "body.output"} < set(offered)


def test_an_encoder_of_torch_hands_on_no_map():
    layer = torch.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, norm_first=True)
    encoder = torch.nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
    assert rehearse(torch.nn.Sequential(encoder, torch.nn.Flatten()), (12, 8)).channels == {}


def test_a_rehearsal_leaves_the_network_as_it_was():
    network = VIDEO.build(dropout=0.5)
    network.body.stages[0].eval()
    before = {name: value.clone() for name, value in network.state_dict().items()}
    rehearsal = rehearse(network, VIDEO.shape)
    assert rehearsal.answer.logits.shape == (2, CLASSES)
    assert all(torch.equal(before[name], value) for name, value in network.state_dict().items())
    assert network.training
    assert network.dropout.training
    assert not network.body.stages[0].training
    assert hooks(network) == 0


def test_a_tapped_network_learns_from_its_map_and_its_logits():
    network = VIDEO.build(tap="body.stages.1")
    logits, features = network(VIDEO.readings())
    (F.cross_entropy(logits, torch.arange(4)) + features.square().mean()).backward()
    assert all(parameter.grad is not None for parameter in network.parameters())
