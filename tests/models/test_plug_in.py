"""Networks of a user's own."""

import pytest
import torch

from fckd.config.networks import NetworkSettings
from fckd.errors import UserError
from fckd.models.network import PooledNetwork
from fckd.models.table import build_network
from tests.models.plug_ins import HIDDEN
from tests.models.toys import CLASSES

SHAPE = (6, 12)
HERE = "tests.models.plug_ins"


def build(name, place=HERE, **changes):
    settings = NetworkSettings(modality="inertial", network=f"{place}:{name}", **changes)
    return build_network(settings, SHAPE, CLASSES)


@pytest.mark.parametrize("name", ["Plain", "Talkative"])
def test_a_plug_in_gives_logits_and_the_map_that_was_tapped(name):
    network = build(name, tap="stages.0")
    logits, features = network(torch.randn(4, *SHAPE))
    assert logits.shape == (4, CLASSES)
    assert features.shape == (4, HIDDEN, 12)
    assert network.feature_channels == HIDDEN
    assert network.class_weights is None


def test_an_action_network_needs_no_tap_and_takes_options():
    network = build("pooled", options={"width": 10})
    assert isinstance(network, PooledNetwork)
    assert network(torch.randn(4, *SHAPE)).features.shape == (4, 10, 12)


def test_an_action_network_may_be_tapped_elsewhere():
    assert build("pooled", tap="body.0")(torch.randn(4, *SHAPE)).features.min() < 0


def test_any_other_network_must_say_where_its_map_is():
    with pytest.raises(UserError, match=r"tap: last[\s\S]*stem, stages"):
        build("Plain")


def test_a_tap_that_is_absent_is_refused_with_those_that_are_there():
    with pytest.raises(UserError, match=r"tap: stages\.7[\s\S]*stages\.0"):
        build("Plain", tap="stages.7")


def test_a_map_that_is_overwritten_is_refused():
    with pytest.raises(UserError, match=r"stages\.0\.0, whose output is changed in place"):
        build("Plain", tap="stages.0.0", options={"inplace": True})


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("Absent", {}, r"no attribute 'Absent'[\s\S]*a callable of that name in tests"),
        ("Plain", {"place": "no_such_module"}, "cannot be imported: No module named"),
        ("NOT_CALLABLE", {}, "NOT_CALLABLE is a int"),
        ("Plain", {"options": {"colour": "red"}}, r"unexpected keyword argument 'colour'"),
        ("no_module", {}, "returned a str"),
        ("other_classes", {}, r"gives \(2, 6\) for 2 samples[\s\S]*\(2, 5\)"),
        ("other_input", {}, r"cannot read a batch of shape \(2, 6, 12\)"),
    ],
)
def test_what_is_wrong_with_a_plug_in_is_said(name, changes, message):
    with pytest.raises(UserError, match=message):
        build(name, **{"tap": "stages.0", **changes})


def test_the_random_numbers_of_a_plug_in_are_those_of_its_own_making():
    torch.manual_seed(0)
    build("Plain", tap="stages.1")
    after = torch.rand(1)
    torch.manual_seed(0)
    build("pooled")
    from tests.models.plug_ins import Plain

    torch.manual_seed(0)
    Plain(SHAPE, CLASSES)
    assert torch.equal(after, torch.rand(1))
