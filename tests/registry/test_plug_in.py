"""A student whose network is the user's own code: that code runs only if it is trusted."""

import numpy as np
import pytest
import torch

from fckd.config.networks import NetworkSettings
from fckd.errors import UserError
from fckd.models.table import build_network
from fckd.registry.folder import read_student
from fckd.registry.mlflow_model import _load_pyfunc
from fckd.registry.packing import pack_student
from fckd.registry.student import load_student
from tests.registry import plug_ins
from tests.registry.students import CLASSES, SHAPE, card, predicted, readings

NETWORK = NetworkSettings(modality="inertial", network="tests.registry.plug_ins:pooled", frames=12)


@pytest.fixture
def folder(tmp_path):
    weights = build_network(NETWORK, SHAPE, len(CLASSES)).state_dict()
    pack_student(tmp_path / "student", weights, card(network=NETWORK))
    plug_ins.CALLS.clear()
    return tmp_path / "student"


@pytest.fixture
def recording(tmp_path):
    np.save(tmp_path / "recording.npy", np.random.default_rng(0).normal(size=(40, 6)))
    return str(tmp_path / "recording.npy")


def test_an_untrusted_plug_in_is_refused_with_what_it_would_run(folder):
    with pytest.raises(UserError, match=r"imports the module tests\.registry\.plug_ins and calls"):
        load_student(folder)
    assert plug_ins.CALLS == []


def test_its_card_can_be_read_without_running_it(folder):
    assert read_student(folder)[0].network == NETWORK
    assert plug_ins.CALLS == []


def test_a_trusted_plug_in_answers(folder):
    assert load_student(folder, trust_plug_in=True).probabilities(readings()).shape == (3, 6)


def test_loading_a_plug_in_leaves_the_random_numbers_of_the_caller_alone(folder):
    before = torch.get_rng_state()
    load_student(folder, trust_plug_in=True)
    assert torch.equal(before, torch.get_rng_state())


def test_predicting_asks_for_trust(folder, recording):
    with pytest.raises(UserError, match="--trust-plug-in"):
        predicted(folder, recording)
    assert predicted(folder, recording, trust_plug_in=True).action in CLASSES


def test_mlflow_asks_for_trust(folder):
    with pytest.raises(UserError, match="holds a plug-in"):
        _load_pyfunc(str(folder))
    trusted = _load_pyfunc(str(folder), {"trust_plug_in": True})
    assert trusted.predict(readings()).shape == (3, 6)
