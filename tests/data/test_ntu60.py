import os
import shutil

import numpy as np
import pytest

from fckd.config.corpus import CorpusSettings
from fckd.config.networks import Modality
from fckd.config.skeletons import KINECT_V2
from fckd.data.prepare import prepare
from fckd.data.protocols import divide
from fckd.data.sources import open_source, read_recording_file
from fckd.data.sources.ntu60 import TRAINING_SUBJECTS
from fckd.errors import UserError
from tests.data.conftest import silent
from tests.data.figures import standing, write_png16
from tests.data.ntu60 import one_person, skeleton_text, write_clip
from tests.data.videos import moving_square, write_video

ALL = [Modality.SKELETON, Modality.DEPTH, Modality.RGB, Modality.INFRARED]
NAMES = [
    f"S001C{camera:03d}P{subject:03d}R001A{action:03d}"
    for camera in (1, 2, 3)
    for subject in (1, 3)
    for action in (1, 60)
]


def settings(**changes):
    return CorpusSettings(source="ntu60", image_side=32, validation_cameras=(2,), **changes)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ntu60") / "ntu60"
    for name in NAMES:
        write_clip(folder, name)
    return folder


@pytest.fixture
def raw(written, tmp_path):
    shutil.copytree(written, tmp_path / "data" / "ntu60", copy_function=os.link)
    return tmp_path / "data"


def opened(data):
    return open_source(settings(), data)


def first(source, modality):
    return source.read(source.recordings([modality])[0], modality)


def replace(path, content):
    path.unlink()  # a link: others may see the old content
    path.write_bytes(content)


def test_folders_that_are_linked_in_from_another_disk_are_read_once(raw, tmp_path):
    found = {recording.sample_id for recording in opened(raw).recordings(ALL)}
    elsewhere = tmp_path / "disk"
    (raw / "ntu60").rename(elsewhere)
    (raw / "ntu60").mkdir()
    (raw / "ntu60" / "part").symlink_to(elsewhere)
    (elsewhere / "back").symlink_to(raw / "ntu60")
    assert {recording.sample_id for recording in opened(raw).recordings(ALL)} == found


def test_every_modality_goes_from_raw_files_to_a_corpus(raw, storage):
    corpus = prepare(settings(), ALL, raw, storage, silent)
    assert corpus.sample_ids == sorted(NAMES)
    assert corpus.joints == 50
    assert corpus.array(0, Modality.SKELETON).shape == (12, 50, 3)
    assert corpus.array(0, Modality.DEPTH).shape == (10, 32, 32)
    assert corpus.array(0, Modality.RGB).shape == (14, 32, 43, 3)
    assert corpus.array(0, Modality.INFRARED).shape == (13, 32, 43)


def test_one_corpus_serves_both_protocols(raw, storage):
    corpus = prepare(settings(), [Modality.SKELETON], raw, storage, silent)
    by_subject = divide(corpus, settings(protocol="cross-subject"))
    assert set(corpus.subjects[by_subject.official_train]) == {1}
    assert set(corpus.subjects[by_subject.test]) == {3}
    by_view = divide(corpus, settings(protocol="cross-view"))
    assert set(corpus.cameras[by_view.official_train]) == {2, 3}
    assert set(corpus.cameras[by_view.test]) == {1}


def test_twenty_subjects_train():
    assert len(TRAINING_SUBJECTS) == 20


def test_one_person_is_the_first_body_and_the_second_is_zeros(raw):
    skeleton = first(opened(raw), Modality.SKELETON)
    np.testing.assert_allclose(skeleton[:, :25], standing(KINECT_V2), atol=1e-5)
    assert not skeleton[:, 25:].any()


def body(reach, place):
    return standing(KINECT_V2, 6, reach, place)


@pytest.mark.parametrize(
    ("bodies", "expected"),
    [
        ({"a": (0.1, 0)}, ["a"]),
        ({"a": (0.1, 0), "b": (0.4, 1)}, ["b", "a"]),
        ({"a": (0.1, 0), "b": (0.4, 1), "chair": (0, 2), "c": (0.2, 3)}, ["b", "c"]),
    ],
)
def test_of_up_to_four_bodies_the_two_that_move_most_are_read(tmp_path, bodies, expected):
    points = {name: body(*what) for name, what in bodies.items()}
    frames = [[(name, points[name][frame]) for name in points] for frame in range(6)]
    frames.insert(3, [])
    path = tmp_path / "x.skeleton"
    path.write_text(skeleton_text(frames))
    skeleton = read_recording_file("ntu60", Modality.SKELETON, path).reshape(7, 2, 25, 3)
    assert not skeleton[3].any()
    seen = np.delete(skeleton, 3, axis=0)
    for place, name in enumerate(expected):
        np.testing.assert_allclose(seen[:, place], points[name], atol=1e-5)


def test_a_person_found_again_under_another_number_is_one_body(tmp_path):
    points = body(0.2, 0)
    frames = [[("old" if frame < 3 else "new", points[frame])] for frame in range(6)]
    path = tmp_path / "x.skeleton"
    path.write_text(skeleton_text(frames))
    skeleton = read_recording_file("ntu60", Modality.SKELETON, path)
    np.testing.assert_allclose(skeleton[:, :25], points, atol=1e-5)
    assert not skeleton[:, 25:].any()


@pytest.mark.parametrize("text", ["0\n", skeleton_text([[], [], []])])
def test_a_sample_without_any_body_is_left_out_only_where_skeletons_are_read(raw, storage, text):
    path = raw / "ntu60" / "nturgb+d_skeletons" / f"{NAMES[0]}.skeleton"
    replace(path, text.encode())
    assert len(prepare(settings(), [Modality.SKELETON], raw, storage, silent)) == 11
    assert len(prepare(settings(), [Modality.INFRARED], raw, storage, silent)) == 12


def test_the_authors_list_of_bad_samples_leaves_them_out(raw):
    text = f"The following 2 samples have missing skeletons:\n{NAMES[1]}\r\n{NAMES[3]}\n"
    (raw / "ntu60" / "NTU_RGBD_samples_with_missing_skeletons.txt").write_text(text)
    ids = [recording.sample_id for recording in opened(raw).recordings([Modality.RGB])]
    assert ids == sorted({*NAMES} - {NAMES[1], NAMES[3]})


def test_files_are_found_in_nested_folders_in_upper_case_and_with_other_endings(raw):
    folder = raw / "ntu60"
    (folder / "S001" / "again").mkdir(parents=True)
    (folder / "nturgb+d_rgb").rename(folder / "S001" / "again" / "nturgb+d_rgb")
    clip = folder / "S001" / "again" / "nturgb+d_rgb" / f"{NAMES[0]}_rgb.avi"
    clip.rename(clip.with_name(clip.name.upper()))
    other = clip.with_name(f"{NAMES[1]}_rgb.avi")
    other.rename(other.with_suffix(".mp4"))
    skeleton = folder / "nturgb+d_skeletons" / f"{NAMES[0]}.skeleton"
    skeleton.rename(skeleton.with_name(skeleton.name.upper()))
    source = opened(raw)
    assert [recording.sample_id for recording in source.recordings(ALL)] == sorted(NAMES)
    assert first(source, Modality.RGB).shape == (14, 32, 43, 3)


def test_actions_of_ntu_120_and_other_files_are_none_of_our_business(raw):
    folder = raw / "ntu60"
    (folder / "nturgb+d_skeletons" / "S018C001P001R001A061.skeleton").write_text("?")
    (folder / "nturgb+d_skeletons" / f"{NAMES[0]}.skeleton.part").write_text("?")
    assert len(opened(raw).recordings(ALL)) == 12


def test_two_files_of_one_sample_are_refused(raw):
    write_video(raw / "ntu60" / "copy" / f"{NAMES[0]}_rgb.avi", moving_square(3))
    with pytest.raises(UserError, match="same sample"):
        opened(raw).recordings(ALL)


def test_a_missing_modality_is_refused_with_what_is_there(raw):
    shutil.rmtree(raw / "ntu60" / "nturgb+d_ir")
    with pytest.raises(UserError, match=r"no infrared[\s\S]*depth, rgb, skeleton"):
        opened(raw).recordings(ALL)
    with pytest.raises(UserError, match="no inertial"):
        opened(raw).recordings([Modality.INERTIAL])


def test_a_sample_that_lacks_a_modality_is_named(raw):
    (raw / "ntu60" / "nturgb+d_ir" / f"{NAMES[4]}_ir.avi").unlink()
    with pytest.raises(UserError, match=rf"lacks the infrared of 1 of 12 samples: {NAMES[4]}"):
        opened(raw).recordings(ALL)


def test_masked_depth_is_cropped_to_the_person(raw):
    depth = first(opened(raw), Modality.DEPTH)
    assert np.median(depth[depth > 0]) == 128
    assert 0.1 < (depth > 0).mean() < 0.8


def test_depth_with_its_background_is_read_where_no_masked_depth_is(raw):
    shutil.rmtree(raw / "ntu60" / "nturgb+d_depth_masked")
    for name in NAMES:
        for frame in range(1, 4):
            image = np.full((48, 64), 4500, np.uint16)
            image[10:20] = 500
            write_png16(raw / "ntu60" / "nturgb+d_depth" / name / f"Depth-{frame:08d}.png", image)
    depth = first(opened(raw), Modality.DEPTH)
    assert depth.shape == (3, 32, 32)
    assert {depth[0, 0, 0], depth[0, 10, 0]} == {1, 255}


def test_depth_pictures_of_different_sizes_are_refused(raw):
    folder = raw / "ntu60" / "nturgb+d_depth_masked" / NAMES[0]
    (folder / "MDepth-00000004.png").unlink()
    write_png16(folder / "MDepth-00000004.png", np.full((40, 64), 2000, np.uint16))
    with pytest.raises(UserError, match="MDepth-00000004"):
        first(opened(raw), Modality.DEPTH)


def test_a_picture_that_is_altered_in_place_makes_another_corpus(raw):
    before = opened(raw).identity([Modality.DEPTH])
    assert opened(raw).identity([Modality.DEPTH]) == before
    folder = raw / "ntu60" / "nturgb+d_depth_masked" / NAMES[0]
    os.utime(folder / "MDepth-00000004.png", (5, 5))
    assert opened(raw).identity([Modality.DEPTH]) != before


WHOLE = skeleton_text(one_person(2))


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "ends too soon"),
        ("two", "is no number"),
        ("-1", "is no number"),
        ("1000000", "is no number"),
        ("1\n7", "is no number"),
        ("1\n1\n\n25", "it is empty"),
        ("1\n1\n9 0\n24", "24 joints"),
        (WHOLE.replace("\r\n25\r\n", "\r\n26\r\n"), "26 joints"),
        (WHOLE[: len(WHOLE) // 2], "line"),
        (WHOLE + "1\n", "more lines"),
        (WHOLE.replace("3 277.4", "nan 277.4"), "not finite"),
        (WHOLE.replace("3 277.4", "1e999 277.4"), "not finite"),
        (WHOLE.replace("3 277.4", "three 277.4"), "three"),
    ],
)
def test_a_skeleton_file_of_wrong_content_is_an_error_that_names_it(tmp_path, text, found):
    path = tmp_path / "x.skeleton"
    path.write_text(text)
    with pytest.raises(UserError, match=rf"x\.skeleton[\s\S]*{found}"):
        read_recording_file("ntu60", Modality.SKELETON, path)


def test_another_image_side_is_another_corpus(raw):
    one = opened(raw).identity([Modality.RGB])
    assert open_source(settings(), raw).identity([Modality.RGB]) == one
    larger = CorpusSettings(source="ntu60", validation_cameras=(2,), image_side=64)
    assert open_source(larger, raw).identity([Modality.RGB]) != one
