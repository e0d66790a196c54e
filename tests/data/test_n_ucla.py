import json
import os
import shutil

import numpy as np
import pytest

from fckd.config.corpus import CorpusSettings
from fckd.config.networks import Modality
from fckd.data.prepare import prepare
from fckd.data.protocols import divide
from fckd.data.sources import open_source, read_recording_file
from fckd.errors import UserError
from tests.data.conftest import silent
from tests.data.figures import standing
from tests.data.n_ucla import ACTION_IDS, skeleton_text, write_json_clip, write_raw_clip

SETTINGS = CorpusSettings(source="n-ucla", validation_cameras=(2,), image_side=32)
ALL = [Modality.SKELETON, Modality.DEPTH, Modality.RGB]
NAMES = ["a01_s01_e00", "a03_s02_e01", "a12_s10_e04"]


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("n-ucla") / "n-ucla"
    for view in (1, 2, 3):
        for name in NAMES:
            write_raw_clip(folder / "multiview_action", view, name)
    return folder


@pytest.fixture
def raw(written, tmp_path):
    shutil.copytree(written, tmp_path / "data" / "n-ucla", copy_function=os.link)
    return tmp_path / "data"


def test_a_view_that_is_linked_in_from_another_disk_is_read(raw, tmp_path):
    found = {recording.sample_id for recording in open_source(SETTINGS, raw).recordings(ALL)}
    view = raw / "n-ucla" / "multiview_action" / "view_2"
    view.rename(tmp_path / "view_2")
    view.symlink_to(tmp_path / "view_2")
    for name in ("a", "test", "z"):
        (raw / "n-ucla" / name).symlink_to(raw / "n-ucla" / "multiview_action" / "view_3")
    linked = {recording.sample_id for recording in open_source(SETTINGS, raw).recordings(ALL)}
    assert linked == found


@pytest.fixture
def again(tmp_path):
    for action in ACTION_IDS:
        for view in (1, 2, 3):
            write_json_clip(tmp_path / "n-ucla" / "all_sqe", f"a{action:02d}_s03_e02_v{view:02d}")
    return tmp_path


def opened(data):
    return open_source(SETTINGS, data)


def test_every_modality_goes_from_raw_files_to_a_divided_corpus(raw, storage):
    corpus = prepare(SETTINGS, ALL, raw, storage, silent)
    assert corpus.sample_ids == sorted(
        f"{name}_v{view:02d}" for name in NAMES for view in (1, 2, 3)
    )
    assert set(corpus.labels.tolist()) == {0, 2, 9}
    assert corpus.joints == 20
    assert corpus.array(0, Modality.SKELETON).shape == (12, 20, 3)
    assert corpus.array(0, Modality.RGB).shape == (12, 32, 43, 3)
    assert corpus.array(0, Modality.DEPTH).shape == (12, 32, 32)
    division = divide(corpus, SETTINGS)
    cameras = [set(corpus.cameras[part]) for part in (division.train, division.validation)]
    assert cameras == [{1}, {2}]
    assert set(corpus.cameras[division.test]) == {3}


def test_frames_are_in_the_order_of_their_numbers_not_of_their_names(raw):
    source = opened(raw)
    recording = source.recordings(ALL)[0]
    np.testing.assert_allclose(source.read(recording, Modality.SKELETON), standing(), atol=1e-5)
    colours = source.read(recording, Modality.RGB)
    whites = [np.nonzero(frame[16, :, 0] > 200)[0].mean() for frame in colours]
    assert whites == sorted(whites)


def test_depth_of_a_scene_falls_with_distance_and_is_0_where_nothing_was_measured(raw):
    source = opened(raw)
    depth = source.read(source.recordings(ALL)[0], Modality.DEPTH)
    assert depth[0, 16, 8] == pytest.approx(128, abs=1)
    assert depth[0, 0, 0] == 0


def test_labels_of_the_json_follow_the_action_ids(again):
    source = opened(again)
    recordings = source.recordings([Modality.SKELETON])
    assert [recording.label for recording in recordings] == sorted(3 * list(range(10)))
    for recording in recordings:
        skeleton = source.read(recording, Modality.SKELETON)
        np.testing.assert_allclose(skeleton, standing(), atol=1e-5)


def test_views_of_one_performance_are_one_group(again):
    recordings = opened(again).recordings([Modality.SKELETON])
    assert len({recording.group for recording in recordings}) == 10


def test_raw_skeletons_come_before_the_json(raw):
    write_json_clip(raw / "n-ucla" / "all_sqe", "a01_s01_e00_v01", frames=5)
    source = opened(raw)
    assert len(source.recordings(ALL)) == 9
    assert len(source.read(source.recordings(ALL)[0], Modality.SKELETON)) == 12


def test_a_missing_modality_is_refused_with_what_is_there(again):
    with pytest.raises(UserError, match=r"holds no rgb[\s\S]*one of skeleton"):
        opened(again).recordings([Modality.RGB])


def test_an_empty_folder_is_refused(tmp_path):
    (tmp_path / "n-ucla").mkdir()
    with pytest.raises(UserError, match="official layout"):
        opened(tmp_path).recordings([Modality.RGB])


def test_a_sample_that_lacks_a_modality_is_refused_by_name_or_left_out_by_list(raw):
    for path in (raw / "n-ucla" / "multiview_action" / "view_2" / NAMES[1]).glob("*_depth.png"):
        path.unlink()
    with pytest.raises(UserError, match="a03_s02_e01_v02"):
        opened(raw).recordings(ALL)
    (raw / "n-ucla" / "left_out.txt").write_text("no depth:\n  A03_s02_e01_v02.zip\n")
    assert len(opened(raw).recordings(ALL)) == 8
    assert len(opened(raw).recordings([Modality.RGB])) == 8


def test_names_may_be_upper_case_and_of_other_endings(raw):
    clip = raw / "n-ucla" / "multiview_action" / "view_1" / NAMES[0]
    for path in sorted(clip.iterdir()):
        path.rename(path.with_name(path.name.replace("skeletons", "skeleton").upper()))
    clip.rename(clip.with_name(NAMES[0].upper()))
    source = opened(raw)
    recording = source.recordings(ALL)[0]
    assert recording.sample_id == "a01_s01_e00_v01"
    assert len(source.read(recording, Modality.RGB)) == 12
    assert len(source.read(recording, Modality.SKELETON)) == 12


def test_other_names_and_the_actions_that_do_not_exist_are_none_of_our_business(raw):
    place = raw / "n-ucla" / "multiview_action" / "view_1"
    shutil.copytree(place / NAMES[0], place / "a07_s01_e00")
    (place / NAMES[0] / "Thumbs.db").write_text("?")
    (raw / "n-ucla" / "readme.json").write_text("{}")
    assert len(opened(raw).recordings(ALL)) == 9


@pytest.mark.parametrize(
    ("bodies", "kept"),
    [
        ([[("1", 0.1)], [("1", 0.1)], [("1", 0.1)]], {0, 1, 2}),
        ([[], [("1", 0.1)], []], {1}),
        ([[("1", 0.0), ("2", 0.3)], [("1", 0.0), ("2", 0.3)], [("2", 0.3)]], {0, 1, 2}),
        ([[("1", 0.1)], [], [("7", 0.1)]], {0, 2}),
    ],
)
def test_the_body_that_moves_most_is_read_and_absence_is_zeros(tmp_path, bodies, kept):
    clip = tmp_path / "view_1" / NAMES[0]
    clip.mkdir(parents=True)
    poses = {reach: standing(frames=3, reach=reach) for reach in (0.0, 0.1, 0.3)}
    for frame, present in enumerate(bodies):
        text = skeleton_text([(number, poses[reach][frame]) for number, reach in present])
        (clip / f"frame_{frame}_tc_0_skeletons.txt").write_text(text)
    skeleton = read_recording_file("n-ucla", Modality.SKELETON, clip)
    assert set(np.flatnonzero(skeleton.any(axis=(1, 2)))) == kept
    most = max(reach for present in bodies for _, reach in present)
    for frame in kept:
        np.testing.assert_allclose(skeleton[frame], poses[most][frame], atol=1e-5)


def test_a_clip_that_shows_nobody_is_left_out_and_noted(raw, storage):
    clip = raw / "n-ucla" / "multiview_action" / "view_1" / NAMES[0]
    for path in clip.glob("*_skeletons.txt"):
        path.unlink()
        path.write_text("")
    corpus = prepare(SETTINGS, [Modality.SKELETON], raw, storage, silent)
    assert len(corpus) == 8
    manifest = json.loads((corpus.folder / "manifest.json").read_text())
    assert manifest["left_out"] == ["a01_s01_e00_v01"]
    with pytest.raises(UserError, match="saw nobody"):
        read_recording_file("n-ucla", Modality.SKELETON, clip)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "null",
        "[" * 100_000,
        '{"skeletons": [], "label": 1}',
        '{"skeletons": [[[1, 2, 3]]], "label": 1}',
        '{"skeletons": [[1, 2], 3], "label": 1}',
        '{"skeletons": "text", "label": 1}',
        '{"skeletons": [' + str([[0, 0, 0]] * 20) + '], "label": 1}',
        '{"skeletons": [' + str([[1, 2, 10**400]] * 20) + '], "label": 1}',
        '{"skeletons": [' + str([[1, 2, 3]] * 19) + '], "label": 1}',
        '{"skeletons": [' + str([[1, 2]] * 20) + '], "label": 1}',
    ],
)
def test_a_json_of_other_content_is_an_error_that_names_it(tmp_path, content):
    path = tmp_path / "a01_s01_e00_v01.json"
    path.write_text(content)
    with pytest.raises(UserError, match="a01_s01_e00_v01"):
        read_recording_file("n-ucla", Modality.SKELETON, path)


def test_a_label_that_contradicts_the_name_is_an_error(again):
    path = again / "n-ucla" / "all_sqe" / "a08_s03_e02_v01.json"
    path.write_text(path.read_text().replace('"label": 7', '"label": 8'))
    with pytest.raises(UserError, match="says action 7, its label says 8"):
        read_recording_file("n-ucla", Modality.SKELETON, path)


@pytest.mark.parametrize("action", [0, 7, 10, 13])
def test_a_json_of_an_action_that_does_not_exist_is_an_error_that_names_it(tmp_path, action):
    path = write_json_clip(tmp_path, "a01_s01_e00_v01")
    path = path.rename(tmp_path / f"a{action:02d}_s01_e00_v01.json")
    with pytest.raises(UserError, match=rf"{path.name}: its name says action {action}, and"):
        read_recording_file("n-ucla", Modality.SKELETON, path)


@pytest.mark.parametrize(
    ("modality", "name"), [(Modality.RGB, "*_rgb.jpg"), (Modality.DEPTH, "*_depth.png")]
)
@pytest.mark.parametrize("keep", [0, 20, 60])
def test_a_damaged_picture_is_an_error_that_names_it(raw, modality, name, keep):
    path = min((raw / "n-ucla" / "multiview_action" / "view_1" / NAMES[0]).glob(name))
    whole = path.read_bytes()
    path.unlink()
    path.write_bytes(whole[:keep])
    source = opened(raw)
    with pytest.raises(UserError, match=path.name):
        source.read(source.recordings(ALL)[0], modality)


def test_a_picture_that_is_mended_in_place_is_read_again(raw, storage):
    path = min((raw / "n-ucla" / "multiview_action" / "view_1" / NAMES[0]).glob("*_rgb.jpg"))
    whole = path.read_bytes()
    path.unlink()
    path.write_bytes(whole[:20])
    with pytest.raises(UserError, match=path.name):
        prepare(SETTINGS, [Modality.RGB], raw, storage, silent)
    path.write_bytes(whole)
    assert len(prepare(SETTINGS, [Modality.RGB], raw, storage, silent)) == 9


def test_a_picture_that_is_altered_in_place_makes_another_corpus(raw):
    before = opened(raw).identity([Modality.DEPTH])
    assert opened(raw).identity([Modality.DEPTH]) == before
    path = min((raw / "n-ucla" / "multiview_action" / "view_1" / NAMES[0]).glob("*_depth.png"))
    os.utime(path, (5, 5))
    assert opened(raw).identity([Modality.DEPTH]) != before


def test_a_picture_that_is_a_link_to_nowhere_is_damaged(raw):
    path = min((raw / "n-ucla" / "multiview_action" / "view_1" / NAMES[0]).glob("*_rgb.jpg"))
    path.unlink()
    path.symlink_to(raw / "absent.jpg")
    source = opened(raw)
    source.identity([Modality.RGB])
    with pytest.raises(UserError, match=path.name):
        source.read(source.recordings([Modality.RGB])[0], Modality.RGB)


def test_a_colour_picture_is_no_depth(raw):
    clip = raw / "n-ucla" / "multiview_action" / "view_1" / NAMES[0]
    first = min(clip.glob("*_depth.png"))
    first.unlink()
    shutil.copy(min(clip.glob("*_rgb.jpg")), first)
    source = opened(raw)
    with pytest.raises(UserError, match="not one channel of 16 bits"):
        source.read(source.recordings(ALL)[0], Modality.DEPTH)
