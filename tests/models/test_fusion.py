"""What every fusion of two modalities promises."""

import pytest
import torch
from torch.nn import functional as F

from fckd.models.fusion.grid import as_clip, as_map, on_one_grid
from fckd.models.fusion.shift import exchanged
from fckd.models.fusion.table import FUSIONS
from tests.models.fusions import DEPTH, EACH, FRAME, SKELETON, WIDTH, ToyFusion
from tests.models.test_networks import without_gradient
from tests.models.toys import CLASSES

each_fusion = pytest.mark.parametrize("toy", EACH, ids=str)
each_kind = pytest.mark.parametrize("toy", [EACH[0], EACH[3], EACH[6]], ids=str)


def settled(toy):
    """Return a network whose normalisation knows what it reads, and such readings."""
    network, readings = toy.build().train(), toy.readings()
    for module in network.modules():
        if isinstance(module, torch.nn.modules.batchnorm._BatchNorm):
            module.momentum = 1.0
    network(*readings)
    return network.eval(), readings


def test_every_fusion_is_tried():
    assert {toy.fusion for toy in EACH} == set(FUSIONS)


@each_fusion
def test_logits_and_features_have_the_promised_shapes(toy):
    network = toy.build()
    output = network(*toy.readings())
    assert output.logits.shape == (4, CLASSES)
    assert output.features.shape == (4, WIDTH, *toy.grid)
    assert network.feature_channels == WIDTH


@each_fusion
def test_the_head_reads_the_mean_of_a_map_that_is_never_negative(toy):
    network = toy.build().eval()
    output = network(*toy.readings())
    assert output.features.min() >= 0
    pooled = output.features.flatten(2).mean(2)
    expected = F.linear(pooled, network.class_weights, network.head.bias)
    torch.testing.assert_close(output.logits, expected)


@each_fusion
@pytest.mark.parametrize("normalization", ["batch", "group"])
def test_the_gradient_reaches_every_parameter(toy, normalization):
    network = toy.build(normalization=normalization)
    F.cross_entropy(network(*toy.readings()).logits, torch.arange(4)).backward()
    assert without_gradient(network) == []


@each_fusion
@pytest.mark.parametrize("number", [0, 1])
def test_each_part_changes_what_is_said(toy, number):
    network, readings = settled(toy)
    before = network(*readings)
    changed = [x.roll(1, dims=0) if i == number else x for i, x in enumerate(readings)]
    after = network(*changed)
    assert not torch.allclose(after.logits, before.logits, rtol=1e-3)
    assert not torch.allclose(after.features, before.features, rtol=1e-3)


@each_fusion
def test_evaluation_does_not_depend_on_the_batch(toy):
    network = toy.build(dropout=0.5).train()
    network(*toy.readings())
    network.eval()
    readings = toy.readings()
    alone = network(*(reading[:1] for reading in readings)).logits
    torch.testing.assert_close(network(*readings).logits[:1], alone, rtol=1e-3, atol=1e-4)


@each_fusion
def test_no_samples_give_no_answers(toy):
    assert toy.build().eval()(*toy.readings(samples=0)).logits.shape == (0, CLASSES)


@each_kind
def test_the_smallest_width_is_built(toy):
    assert toy.build(width=4).eval()(*toy.readings(2)).features.shape[1] == 4


@each_kind
def test_the_order_in_which_parts_are_named_means_nothing(toy):
    turned = dict(reversed(toy.settings().parts.items()))
    torch.manual_seed(7)
    first = toy.build().state_dict()
    torch.manual_seed(7)
    second = toy.build(parts=turned).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


@each_kind
def test_a_few_steps_of_training_lower_the_loss(toy):
    network = toy.build()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
    readings, labels = toy.readings(), torch.arange(4)
    losses = []
    for _ in range(4):
        losses.append(F.cross_entropy(network(*readings).logits, labels))
        optimizer.zero_grad()
        losses[-1].backward()
        optimizer.step()
    assert losses[-1] < losses[0]


def test_a_frame_is_seen_brighter_where_limbs_move():
    network = ToyFusion("frame", (SKELETON, FRAME), (3,)).build()
    limbs = network.body.limbs
    torch.nn.init.ones_(limbs.weigh.weight)
    skeleton = torch.zeros(1, 3, 12, 20)
    skeleton[0, 1, :, 1] = 1.0  # from the hip centre to 1 above it
    skeleton[0, 0, :, 2] = torch.linspace(0.0, 1.0, 12)  # a hand that moves to the right
    shares = limbs(skeleton, torch.Size((32, 32)))[0, 0, 0]
    assert shares.shape == (32, 32)
    assert 0 <= shares.min() < shares.max() <= 1
    assert shares[-8:, 16:].mean() > shares[:8, 16:].mean() + 0.1


def test_modalities_give_each_other_their_last_channels():
    both = torch.stack([torch.zeros(1, 16, 2, 1, 1), torch.ones(1, 16, 2, 1, 1)])
    first, second = exchanged(both)
    assert first[0, :, 0, 0, 0].tolist() == [0.0] * 14 + [1.0] * 2
    assert torch.equal(second, 1 - first)


def test_the_stages_of_a_shift_are_shared_and_its_parts_are_not():
    body = ToyFusion("shift", (SKELETON, DEPTH), (3, 4, 4)).build().body
    seen = []
    body.stages[0].register_forward_hook(lambda _module, read, _out: seen.append(read[0].shape))
    body(*ToyFusion("shift", (SKELETON, DEPTH), (3, 4, 4)).readings(5))
    assert seen == [(2 * 5 * 3, WIDTH, 4, 4)]
    assert type(body.parts[0].body) is not type(body.parts[1].body)


def test_every_position_of_one_modality_hears_of_every_other_of_the_other():
    network = ToyFusion("non_local", (SKELETON, DEPTH), (3, 4, 4)).build().eval()
    positions = torch.randn(1, WIDTH, 3 + 128, requires_grad=True)
    network.body.block(positions)[0, :, 0].sum().backward()
    assert (positions.grad[0].abs().sum(dim=0) > 0).all()


def test_a_series_says_the_same_at_every_place_of_an_image():
    series, video = torch.randn(2, 4, 6), torch.randn(2, 4, 3, 5, 5)
    spread, kept = on_one_grid(as_clip(series), as_clip(video))
    torch.testing.assert_close(kept, video)
    assert spread.shape == video.shape
    torch.testing.assert_close(spread[..., 0, 0], series.unflatten(2, (3, 2)).mean(3))
    assert torch.equal(spread, spread[..., :1, :1].expand_as(spread))


def test_a_map_without_places_is_a_series_again():
    series = torch.randn(2, 4, 6)
    assert torch.equal(as_map(as_clip(series)), series)
