"""Networks that do not begin from nothing."""

from shutil import copytree

import pytest
from safetensors.torch import save_file
from torch.testing import assert_close

from fckd.config.networks import NetworkSettings
from fckd.config.space import Space
from fckd.data.prepare import CORPORA
from fckd.errors import StorageLost, UserError
from fckd.models.pretrained import FOLDER
from fckd.models.table import build_network
from fckd.registry.pretrained import fetch_pretrained
from fckd.storage.shelf import open_shelf, storage_folder
from fckd.sweep.plan import plan_of
from fckd.train import rehearsal
from fckd.train.workshop import Workshop
from tests.train.small import ALONE, BASE, changed, content, state, trained

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


def of_another_width(reference, place):
    """Return the experiment whose `place` begins with weights of another width."""
    student = BASE.student.model_dump(mode="json")
    misfit = {**student, "width": 16, "weights": reference}
    if place == "student":
        return changed({"student": misfit})
    return changed({"teachers": {"first": {**student, "training": STILL}, "wide": misfit}})


@pytest.mark.parametrize("place", ["student", "teachers.wide"])
def test_weights_of_another_network_are_refused_by_name_before_anything_is_trained(
    own_workshop, pretrained, place
):
    reference, _ = pretrained
    with pytest.raises(UserError, match=rf"^{place}: .* does not fit the network"):
        own_workshop.share_weights(of_another_width(reference, place))
    assert content(own_workshop.storage) == ["pretrained"]


def planned(experiment):
    """Return a space around an experiment."""
    described = experiment.model_dump(mode="json")
    search = {"parameters": {"objective.logits.weight": {"low": 0.5, "high": 2.0}}}
    return Space.model_validate({"name": "planned", "experiment": described, "search": search})


def test_a_plan_refuses_a_teacher_of_other_weights(own_workshop, pretrained):
    reference, _ = pretrained
    with pytest.raises(UserError, match=r"^teachers\.wide: "):
        plan_of(planned(of_another_width(reference, "teachers.wide")), own_workshop)


@pytest.fixture
def cut_off(own_workshop, pretrained, tmp_path, monkeypatch):
    """Return the workshop of a storage in S3 that does not answer; corpus and weights are here."""
    monkeypatch.setenv("FCKD_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    address = "s3://bucket/prefix"
    storage = storage_folder(address)
    corpus = storage / CORPORA / own_workshop.corpus_folder.name
    copytree(own_workshop.corpus_folder, corpus)
    copytree(own_workshop.storage / FOLDER, storage / FOLDER)
    return Workshop(storage, corpus, shelf=open_shelf(address))


def test_a_plan_of_what_is_here_asks_nothing_of_s3_and_puts_nothing_there(
    cut_off, pretrained, monkeypatch
):
    monkeypatch.setattr(rehearsal, "SECONDS", 0.0)
    reference, _ = pretrained
    student = {**BASE.student.model_dump(mode="json"), "weights": reference}
    teachers = {"earlier": {**student, "training": STILL}}
    plan = plan_of(planned(changed({"student": student, "teachers": teachers})), cut_off)
    assert [stage.name for stage in plan.stages if stage.name.startswith("teach")] == [
        "teach earlier"
    ]
    with pytest.raises(StorageLost):
        cut_off.share_weights(changed({"student": student}))


def test_a_depth_teacher_may_begin_with_weights_of_colours(own_workshop, tmp_path):
    images = {"network": "tsm", "width": 16, "frames": 2, "size": 16}
    colours = build_network(NetworkSettings(modality="rgb", **images), (3, 2, 16, 16), 3)
    file = tmp_path / "published.safetensors"
    save_file(colours.state_dict(), file)
    reference = fetch_pretrained(str(file), own_workshop.storage, "")
    teacher = {"modality": "depth", **images, "weights": reference, "training": STILL}
    experiment = changed({**ALONE, "teachers": {"frames": teacher}})
    own_workshop.share_weights(experiment)
    for _ in own_workshop.teach(experiment, "frames", "train"):
        pass
    kernel = own_workshop.teacher(experiment, "frames", "train").network.body.conv1.weight
    assert_close(kernel, colours.body.conv1.weight.mean(dim=1, keepdim=True))
