"""Which parts make a fusion, and that anything else is one complaint with its place."""

import pytest

from fckd.config.documents import validate
from fckd.config.experiment import Experiment, FusionTeacherSettings, TeacherSettings
from fckd.config.fusion import FusionSettings
from fckd.errors import UserError

SKELETON = {"modality": "skeleton", "network": "temporal"}
WRIST = {"modality": "inertial", "network": "temporal"}
DEPTH = {"modality": "depth", "network": "video", "frames": 8}
FRAME = {**DEPTH, "frames": 1}
PLUG_IN = {"modality": "depth", "network": "my.module:network"}
BOTH = {"skeleton": SKELETON, "depth": DEPTH}


def experiment(**fusion):
    both = {"fusion": "shift", "parts": BOTH, **fusion}
    return {
        "corpus": {"source": "synthetic", "validation_subjects": [3]},
        "student": WRIST,
        "teachers": {"alone": SKELETON, "both": {k: v for k, v in both.items() if v is not None}},
    }


def complaint(**fusion):
    """Return the one complaint about a fusion teacher."""
    with pytest.raises(UserError) as caught:
        validate(Experiment, experiment(**fusion), "the experiment")
    lines = [line.strip() for line in str(caught.value).splitlines() if line.startswith("  ")]
    (found,) = lines[:-2]
    return found


def test_a_teacher_with_parts_is_a_fusion_and_another_is_not():
    teachers = validate(Experiment, experiment(), "the experiment").teachers
    assert isinstance(teachers["both"], FusionTeacherSettings)
    assert isinstance(teachers["alone"], TeacherSettings)


def test_an_experiment_with_a_fusion_is_the_same_after_a_round_trip():
    found = validate(Experiment, experiment(), "the experiment")
    assert Experiment.model_validate(found.model_dump(mode="json")) == found


def test_an_experiment_reads_every_part_of_a_fusion():
    found = validate(Experiment, experiment(), "the experiment")
    assert found.modalities == ("depth", "inertial", "skeleton")


def test_series_are_read_before_images_and_then_by_name():
    parts = {"a": DEPTH, "b": {**DEPTH, "modality": "rgb"}}
    read = FusionSettings(fusion="shift", parts=dict(reversed(parts.items()))).inputs
    assert [part.modality for part in read] == ["depth", "rgb"]
    read = FusionSettings(fusion="shift", parts={"a": DEPTH, "z": SKELETON}).inputs
    assert [part.modality for part in read] == ["skeleton", "depth"]


@pytest.mark.parametrize(
    ("parts", "says"),
    [
        ({"a": SKELETON}, "at least 2 items"),
        ({"a": SKELETON, "b": DEPTH, "c": WRIST}, "at most 2 items"),
        ({"a": SKELETON, "b": SKELETON}, "both read skeleton; a fusion joins two modalities"),
        ({"a": SKELETON, "b": PLUG_IN}, "parts.b: a part is one of our own networks"),
        ({"a": SKELETON, "b": {**DEPTH, "dropout": 0.1}}, "parts.b: a part has no dropout"),
        (
            {"a": SKELETON, "b": {**DEPTH, "tap": "body", "weights": "file.pt"}},
            "parts.b: a part has no tap and no weights",
        ),
    ],
)
def test_parts_that_make_no_fusion_are_one_complaint(parts, says):
    found = complaint(parts=parts)
    assert found.startswith("teachers.both")
    assert says in found


@pytest.mark.parametrize(
    "parts",
    [
        {"a": SKELETON, "b": DEPTH},
        {"a": WRIST, "b": FRAME},
        {"a": FRAME, "b": {**FRAME, "modality": "rgb"}},
    ],
)
def test_a_frame_fusion_joins_a_skeleton_and_a_single_image(parts):
    found = complaint(fusion="frame", parts=parts)
    assert found.startswith("teachers.both: ")
    assert "joins a skeleton with an image network of frames: 1" in found


def test_a_part_that_is_wrong_is_told_with_its_place():
    found = complaint(parts={"a": SKELETON, "b": {**DEPTH, "width": 1}})
    assert found.startswith("teachers.both.parts.b.width: ")


@pytest.mark.parametrize(("fusion", "says"), [(None, "Field required"), ("glue", "'frame'")])
def test_an_absent_or_unknown_fusion_is_told_as_such(fusion, says):
    found = complaint(fusion=fusion)
    assert found.startswith("teachers.both.fusion: ")
    assert says in found


def test_a_fusion_is_no_student():
    document = {**experiment(), "student": {"fusion": "shift", "parts": BOTH}}
    with pytest.raises(UserError, match=r"student\.fusion: Extra inputs"):
        validate(Experiment, document, "the experiment")


def test_a_series_of_a_single_step_is_refused():
    found = complaint(parts={"a": {**SKELETON, "frames": 1}, "b": DEPTH})
    assert "frames: 1 of skeleton, which is read in 4 steps at least" in found
