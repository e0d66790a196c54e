"""A teacher that is fed by two modalities is trained, kept and asked like any other."""

import numpy as np
import pytest
import torch
from torch.testing import assert_close

from fckd.config.experiment import FocalSettings
from fckd.data.joint_readings import JointReadings
from fckd.errors import UserError
from fckd.train.inputs import inputs
from fckd.train.lessons import Wish
from fckd.train.workshop import Workshop
from tests.train.small import BASE, changed, make, told, trained, unsorted_features

CPU = torch.device("cpu")
SKELETON = {"modality": "skeleton", "network": "temporal", "width": 8, "frames": 16}
DEPTH = {"modality": "depth", "network": "video", "width": 8, "frames": 4, "size": 16}
FUSIONS = {
    name: {
        "fusion": name,
        "parts": {"skeleton": SKELETON, "depth": {**DEPTH, "frames": 1 if name == "frame" else 4}},
        "width": 8,
        "training": {"epochs": 1, "batch_size": 2},
    }
    for name in ("frame", "shift", "non_local")
}
JOINT = changed({"teachers": FUSIONS})

each_fusion = pytest.mark.parametrize("name", FUSIONS)


@pytest.fixture(scope="module")
def workshop(tmp_path_factory, corpus):
    opened = Workshop(tmp_path_factory.mktemp("storage"), corpus.folder)
    make(opened, JOINT)
    return opened


@torch.no_grad()
def said(workshop, name, samples, views):
    """Return what the teacher says now of these readings."""
    readings = JointReadings.of(workshop.corpus, JOINT.teachers[name], JOINT.views)
    read = inputs(readings, samples, views, CPU)
    return workshop.teacher(JOINT, name, "train").network(*read)


@each_fusion
def test_its_lesson_is_what_it_says_of_both_modalities_under_that_view(workshop, name):
    train = workshop.division(JOINT).train
    pairs = (train[[3, 0, 3, 5]], np.array([2, 1, 1, 2]))
    store = workshop.lessons(JOINT, name, "train")
    kept = store.read(*pairs, Wish(FocalSettings(ratio=1.0), whole=False, batch=pairs), CPU)
    now = said(workshop, name, *pairs)
    assert_close(kept.logits, now.logits)
    assert_close(unsorted_features(kept), now.features, rtol=1e-3, atol=1e-4)
    assert not torch.allclose(kept.logits[0], kept.logits[2])


@each_fusion
def test_it_says_the_same_after_it_was_loaded(workshop, corpus, tmp_path, name):
    again = Workshop(tmp_path, corpus.folder)
    (result,) = again.teach(JOINT, name, "train")
    frames = JOINT.teachers[name].parts["depth"].frames
    read = [torch.randn(2, *shape) for shape in ((3, 16, 20), (1, frames, 16, 16))]
    loaded = again.teacher(JOINT, name, "train")
    with torch.no_grad():
        assert loaded.network(*read).logits.equal(result.network.eval()(*read).logits)
    records = [each.teacher_record(JOINT, name, "train") for each in (again, workshop)]
    assert records[0]["sha256"] == records[1]["sha256"]


@each_fusion
def test_another_part_gives_it_another_name(workshop, name):
    other = JOINT.model_dump(mode="json")
    other["teachers"][name]["parts"]["skeleton"]["width"] = 16
    changed_part = type(JOINT).model_validate(other)
    names = [workshop.teacher_folder(e, name, "train") for e in (JOINT, changed_part)]
    assert names[0] != names[1]


@pytest.mark.parametrize("criterion", ["cam", "gradient"])
@each_fusion
def test_its_channels_are_ranked_by_any_criterion(workshop, name, criterion):
    experiment = changed({"teachers": FUSIONS, "focal.criterion": criterion})
    assert list(workshop.make_lessons(experiment, name, "train"))[-1] == 12


@pytest.mark.parametrize("teaching", ["lessons", "together"])
def test_it_teaches_a_student_by_every_term(workshop, teaching):
    experiment = changed({"teachers": FUSIONS, "teaching": teaching}, epochs=1)
    metrics = told(trained(workshop.study(experiment, "train")))
    for name in FUSIONS:
        assert metrics[f"gradient/correlation/{name}"] > 0
        assert metrics[f"gradient/distribution/{name}"] > 0
    assert metrics["gradient/logits"] > 0


def test_a_teacher_of_one_modality_may_teach_beside_it(workshop):
    teachers = {"shift": FUSIONS["shift"], "depth": BASE.teachers["depth"].model_dump()}
    experiment = changed({"teachers": teachers}, epochs=1)
    make(workshop, experiment)
    metrics = told(trained(workshop.study(experiment, "train")))
    assert {"train/correlation/shift", "train/correlation/depth"} <= metrics.keys()


def test_a_modality_that_the_corpus_lacks_is_the_users_to_mend(own_workshop):
    infrared = {**FUSIONS["shift"]["parts"], "depth": {**DEPTH, "modality": "infrared"}}
    experiment = changed({"teachers": {"shift": {**FUSIONS["shift"], "parts": infrared}}})
    with pytest.raises(UserError, match="does not hold infrared"):
        list(own_workshop.teach(experiment, "shift", "train"))
