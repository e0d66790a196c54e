"""Networks that do not begin from nothing."""

import pytest
from safetensors.torch import save_file

from fckd.errors import UserError
from fckd.registry.pretrained import fetch_pretrained
from tests.train.small import ALONE, BASE, changed, state, trained

STILL = {"learning_rate": 1e-60, "weight_decay": 0, "epochs": 1, "batch_size": 2}
"""A rate that float32 takes for zero: weights stay where they began."""
LEARNT = ("running_mean", "running_var", "num_batches_tracked")


@pytest.fixture
def pretrained(own_workshop, tmp_path):
    """Return what `weights` says of the weights of a student that was trained before."""
    earlier = trained(own_workshop.study(changed(ALONE), "train")).network
    file = tmp_path / "earlier.safetensors"
    save_file(earlier.state_dict(), file)
    reference = fetch_pretrained(str(file), own_workshop.storage, "")
    return reference, state(earlier)


@pytest.mark.parametrize("place", ["student", "teacher"])
def test_a_network_begins_with_the_weights_that_it_is_given(own_workshop, pretrained, place):
    reference, weights = pretrained
    student = {**BASE.student.model_dump(mode="json"), "weights": reference}
    if place == "student":
        study = own_workshop.study(changed({**ALONE, "student": student}, **STILL), "train")
        network = trained(study).network
    else:
        teachers = {"earlier": {**student, "training": STILL}}
        experiment = changed({**ALONE, "teachers": teachers})
        for _ in own_workshop.teach(experiment, "earlier", "train"):
            pass
        network = own_workshop.teacher(experiment, "earlier", "train").network
    began = {name: value for name, value in weights.items() if not name.endswith(LEARNT)}
    found = state(network)
    assert began
    assert all(found[name].equal(value) for name, value in began.items())


def test_weights_that_were_not_fetched_are_refused(own_workshop):
    experiment = changed({**ALONE, "student.weights": f"sha256:{'0' * 64}"})
    with pytest.raises(UserError, match="no weights with the SHA-256"):
        own_workshop.study(experiment, "train")
