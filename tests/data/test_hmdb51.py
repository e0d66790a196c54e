import os
import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fckd.config.networks import Modality
from fckd.data.sources import hmdb51_splits
from fckd.data.sources.hmdb51 import LISTS, Hmdb51, film_of
from fckd.data.sources.hmdb51_splits import read_split_lists
from fckd.data.writing import write_corpus
from fckd.errors import UserError
from tests.data.conftest import silent
from tests.data.hmdb51 import TITLES, clip_name, write_hmdb51, write_lists

RGB = [Modality.RGB]
SIDE = 32


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    return write_hmdb51(tmp_path_factory.mktemp("hmdb51") / "hmdb51")


@pytest.fixture
def benchmark(whole, tmp_path):
    """A copy of links that a test may damage: replace files, never write into them."""
    return shutil.copytree(whole, tmp_path / "hmdb51", copy_function=os.link)


def opened(folder):
    return Hmdb51(folder, SIDE)


def test_clips_that_some_split_uses_are_read_with_their_class_and_parts(benchmark):
    recordings = opened(benchmark).recordings(RGB)
    ids = [recording.sample_id for recording in recordings]
    assert ids == sorted(ids)
    assert len(ids) == 3 * 51
    first = next(each for each in recordings if each.sample_id == clip_name("Film_1", "climb"))
    assert opened(benchmark).classes[first.label] == "climb"
    assert list(first.splits.items()) == [
        ("split-1", "train"), ("split-2", "train"), ("split-3", "test")
    ]  # fmt: skip


def test_nobody_noted_subject_and_camera_and_the_film_is_the_group(benchmark):
    recordings = opened(benchmark).recordings(RGB)
    assert {(each.subject, each.camera) for each in recordings} == {(0, 0)}
    groups = {each.group for each in recordings if each.sample_id.startswith("Film")}
    assert groups == {"film"}


@pytest.mark.parametrize(
    ("clip", "action", "film"),
    [
        ("April_09_brush_hair_u_nm_np1_ba_goo_0", "brush_hair", "april"),
        ("Return_of_the_King_7_shoot_bow_u_nm_np10_ba_med_2", "shoot_bow", "return_of_the_king"),
        ("RETURN_OF_THE_KING_shoot_bow_f_cm_np2_le_bad_11", "shoot_bow", "return_of_the_king"),
        ("run_run_f_cm_np1_le_bad_run_f_cm_np1_ri_goo_3", "run", "run_run_f_cm_np1_le_bad"),
        ("#1(b)&c;[d]!+@~_kick_ball_l_nm_np3_fr_med_0", "kick_ball", "#1(b)&c;[d]!+@~"),
        ("7_hit_h_nm_np3_fr_med_0", "hit", "7"),
    ],
)
def test_a_title_is_what_is_left_of_the_last_mention_of_the_action(clip, action, film):
    assert film_of(clip, action) == film


@pytest.mark.parametrize("clip", ["", "x", "April_kick_u_nm_np1_ba_goo_0", "_hit_u_nm_np1_ba_goo"])
def test_a_name_that_says_no_film_is_an_error(clip):
    with pytest.raises(UserError, match="official names"):
        film_of(clip, "hit")


@pytest.mark.parametrize("nesting", ["hmdb51_org", "{}", "hmdb51_org/{}"])
def test_class_folders_are_found_where_unpacking_leaves_them(tmp_path, nesting):
    folder = write_hmdb51(tmp_path / "hmdb51", nesting)
    assert len(opened(folder).recordings(RGB)) == 3 * 51


def test_a_clip_is_read_with_its_shorter_side_as_asked(benchmark):
    source = opened(benchmark)
    odd = next(each for each in source.recordings(RGB) if each.sample_id.startswith("Odd"))
    assert source.read(odd, Modality.RGB).shape == (10, 32, 40, 3)
    assert Hmdb51(benchmark, 16).read(odd, Modality.RGB).shape == (10, 16, 20, 3)


def test_clips_become_a_corpus(benchmark, tmp_path):
    source = opened(benchmark)
    write_corpus(source, source.recordings(RGB)[:4], RGB, tmp_path / "corpus", silent)
    assert (tmp_path / "corpus" / "manifest.json").is_file()


def test_upper_case_suffixes_and_files_of_other_names_are_no_matter(benchmark):
    folder = benchmark / "wave"
    path = folder / f"{clip_name('Film_1', 'wave')}.avi"
    path.rename(path.with_suffix(".AVI"))
    (folder / "._other.avi").write_text("?")
    (folder / "readme.txt").write_text("?")
    assert len(opened(benchmark).recordings(RGB)) == 3 * 51


def test_missing_clips_are_listed_unless_they_are_left_out(benchmark):
    name = clip_name(TITLES[2], "wave")
    (benchmark / "wave" / f"{name}.avi").unlink()
    with pytest.raises(UserError, match="lacks the rgb of 1 of 153") as caught:
        opened(benchmark).recordings(RGB)
    assert name in str(caught.value)
    (benchmark / "left_out.txt").write_text(f"cannot be played:\n{name}.avi  (damaged)\n")
    assert len(opened(benchmark).recordings(RGB)) == 3 * 51 - 1


def test_a_clip_that_no_split_uses_need_not_be_there(benchmark):
    (benchmark / "wave" / f"{clip_name(TITLES[3], 'wave')}.avi").unlink()
    assert len(opened(benchmark).recordings(RGB)) == 3 * 51


def test_two_files_of_one_clip_are_an_error_that_names_both(benchmark):
    name = f"{clip_name('Film_1', 'wave')}.avi"
    (benchmark / "copy" / "wave").mkdir(parents=True)
    os.link(benchmark / "wave" / name, benchmark / "copy" / "wave" / name)
    with pytest.raises(UserError, match="same sample"):
        opened(benchmark).recordings(RGB)


def test_other_modalities_are_an_error(benchmark):
    with pytest.raises(UserError, match="holds no skeleton"):
        opened(benchmark).recordings([Modality.SKELETON])


def test_identity_changes_with_clips_lists_and_size(benchmark):
    before = opened(benchmark).identity(RGB)
    assert opened(benchmark).identity(RGB) == before
    assert Hmdb51(benchmark, 48).identity(RGB) != before
    clip = benchmark / "wave" / f"{clip_name('Film_1', 'wave')}.avi"
    copy = benchmark / "new"
    shutil.copy(clip, copy)
    os.utime(copy, (5, 5))
    copy.replace(clip)
    assert opened(benchmark).identity(RGB) != before


def replaced(path, text):
    path.unlink()
    path.write_text(text)


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("clip.avi 3", "line 1"),
        ("clip.avi", "line 1"),
        ("clip.mp4 1", "line 1"),
        (".avi 1", "line 1"),
        ("clip.avi one", "line 1"),
        ("new_wave_u_nm_np1_ba_goo_0.avi 1 ", "is not listed in split-2"),
        (f"{clip_name('Film_1', 'turn')}.avi 1 ", "listed twice"),
        ("a.avi 1 \na.avi 1 ", "listed twice"),
    ],
)
def test_a_list_that_is_not_the_official_one_is_an_error_that_names_it(benchmark, line, found):
    replaced(benchmark / LISTS / "wave_test_split2.txt", line)
    with pytest.raises(UserError, match=found):
        opened(benchmark).recordings(RGB)


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00", b""])
def test_a_list_that_is_absent_empty_or_no_text_is_an_error(benchmark, content):
    path = benchmark / LISTS / "wave_test_split2.txt"
    path.unlink()
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match="split"):
        opened(benchmark).recordings(RGB)


FRAGMENT = st.sampled_from(["a.avi", "b.avi", "0", "1", "2", " ", "\n", "\r\n", "\t", "3", ".avi"])
LINES = st.lists(FRAGMENT | st.text(max_size=4), max_size=30).map("".join)


def check_any_list(folder, content):
    """Read a list of any content: what is returned has a part in every split, or it is refused."""
    path = folder / "wave_test_split1.txt"
    path.write_bytes(content.encode("utf-8", "surrogatepass"))
    try:
        clips = read_split_lists(folder)
    except UserError:
        return
    for clip, listed in clips.items():
        assert clip
        assert listed.label == 0
        assert list(listed.splits) == ["split-1", "split-2", "split-3"]


@pytest.fixture(scope="module")
def lists(tmp_path_factory):
    folder = tmp_path_factory.mktemp("lists") / LISTS
    write_lists(folder)
    with pytest.MonkeyPatch.context() as patch:  # three lists are read sooner than 153
        patch.setattr(hmdb51_splits, "CLASSES", ("wave",))
        yield folder


@given(LINES)
def test_any_list_is_read_or_refused(lists, content):
    check_any_list(lists, content)


@pytest.mark.long
@given(LINES)
@settings(max_examples=10_000)
def test_ten_thousand_lists_are_read_or_refused(lists, content):
    check_any_list(lists, content)
