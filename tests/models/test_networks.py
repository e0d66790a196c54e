import pytest
import torch

from fckd.config.networks import NetworkSettings
from fckd.errors import UserError
from fckd.models.layers import groups_for, with_motion
from fckd.models.table import NETWORKS, build_network

CLASSES = 5

SHAPES = {
    "inertial": (6, 24),
    "skeleton": (3, 16, 20),
    "depth": (1, 8, 32, 32),
    "rgb": (3, 8, 24, 24),
}
GRIDS = {"inertial": (6,), "skeleton": (4,), "depth": (8, 4, 4), "rgb": (8, 3, 3)}

every_modality = pytest.mark.parametrize("modality", list(SHAPES))
every_normalization = pytest.mark.parametrize("normalization", ["batch", "group"])


@pytest.fixture(autouse=True)
def _one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    torch.manual_seed(0)
    yield
    torch.set_num_threads(before)


def settings(modality, **changes):
    network = "video" if modality in ("depth", "rgb") else "temporal"
    return NetworkSettings(modality=modality, network=network, **{"width": 16, **changes})


def network(modality, **changes):
    return build_network(settings(modality, **changes), SHAPES[modality], CLASSES)


def readings(modality, samples=4):
    return torch.randn(samples, *SHAPES[modality])


@every_modality
@every_normalization
def test_logits_and_features_have_the_promised_shapes(modality, normalization):
    made = network(modality, normalization=normalization)
    output = made(readings(modality))
    assert output.logits.shape == (4, CLASSES)
    assert output.features.shape == (4, 16, *GRIDS[modality])
    assert made.feature_channels == made.head.in_features == 16


@every_modality
def test_features_are_never_negative(modality):
    features = network(modality)(readings(modality)).features
    assert features.min() >= 0
    assert features.max() > 0


@every_modality
def test_features_are_not_changed_after_they_are_handed_out(modality):
    made = network(modality, dropout=0.5)
    seen = []
    made.body.register_forward_hook(lambda _module, _input, output: seen.append(output.clone()))
    features = made(readings(modality)).features
    assert torch.equal(features, seen[0])


@every_modality
def test_the_head_reads_the_mean_of_the_features(modality):
    made = network(modality).eval()
    output = made(readings(modality))
    pooled = output.features.flatten(2).mean(2)
    torch.testing.assert_close(output.logits, made.head(pooled))


@every_modality
def test_the_same_seed_gives_the_same_network(modality):
    torch.manual_seed(7)
    first = network(modality)
    torch.manual_seed(7)
    second = network(modality)
    batch = readings(modality)
    assert torch.equal(first(batch).logits, second(batch).logits)


@every_modality
def test_another_seed_gives_another_network(modality):
    batch = readings(modality)
    assert not torch.equal(network(modality)(batch).logits, network(modality)(batch).logits)


@every_modality
def test_group_normalization_judges_each_sample_by_itself(modality):
    made = network(modality, normalization="group").train()
    batch = readings(modality)
    alone = made(batch[:1]).logits
    together = made(torch.cat([batch[:1], 100 * batch[1:]])).logits[:1]
    torch.testing.assert_close(alone, together, rtol=1e-4, atol=1e-5)


@every_modality
def test_group_normalization_leaves_no_batch_normalization(modality):
    names = {type(module).__name__ for module in network(modality, normalization="group").modules()}
    assert not any(name.startswith("BatchNorm") for name in names)


@every_modality
@every_normalization
def test_the_gradient_reaches_every_parameter(modality, normalization):
    made = network(modality, normalization=normalization)
    output = made(readings(modality))
    torch.nn.functional.cross_entropy(output.logits, torch.arange(4)).backward()
    without = [
        name
        for name, parameter in made.named_parameters()
        if parameter.grad is None or not parameter.grad.abs().sum() > 0
    ]
    assert without == []


@every_modality
def test_evaluation_does_not_depend_on_the_batch(modality):
    made = network(modality, dropout=0.5).train()
    made(readings(modality))
    made.eval()
    batch = readings(modality)
    torch.testing.assert_close(made(batch).logits[:1], made(batch[:1]).logits, rtol=1e-4, atol=1e-5)


@every_modality
def test_no_samples_give_no_answers(modality):
    assert network(modality).eval()(readings(modality, samples=0)).logits.shape == (0, CLASSES)


@every_modality
def test_the_smallest_width_is_built(modality):
    output = network(modality, width=4)(readings(modality))
    assert output.features.shape[1] == 4


@pytest.mark.parametrize("frames", [4, 7, 10])
def test_any_number_of_steps_is_read(frames):
    made = build_network(settings("inertial", frames=frames), (6, frames), CLASSES)
    assert made(torch.randn(2, 6, frames)).features.shape == (2, 16, -(-frames // 4))


def test_motion_is_the_change_between_steps_and_zero_at_first():
    series = torch.tensor([[[1.0, 4.0, 9.0]]])
    assert with_motion(series).tolist() == [[[1.0, 4.0, 9.0], [0.0, 3.0, 5.0]]]


@pytest.mark.parametrize(("channels", "groups"), [(1, 1), (12, 6), (64, 8), (97, 1)])
def test_groups_divide_the_channels(channels, groups):
    assert groups_for(channels) == groups


def test_a_reading_of_another_modality_is_refused():
    with pytest.raises(UserError, match=r"skeleton readings of shape \(6, 24\)"):
        build_network(settings("skeleton"), (6, 24), CLASSES)


def test_every_network_of_the_configuration_is_in_the_table():
    assert set(NETWORKS) == {"temporal", "video"}
