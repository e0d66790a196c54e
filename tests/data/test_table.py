import csv
import os
import random
import time

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image
from pyarrow import parquet
from scipy.io import savemat

from fckd.config.networks import Modality
from fckd.data.corpus import Corpus
from fckd.data.sources.table import Table
from fckd.data.sources.table_files import read_table_file
from fckd.data.sources.table_rows import SPLITS, read_rows
from fckd.data.writing import write_corpus
from fckd.errors import UserError
from tests.data.conftest import silent
from tests.data.videos import moving_square, write_video

SIDE = 32
ROWS = [
    {"sample_id": f"clip {number}", "label": label, "subject": subject, "split": split}
    for number, (label, subject, split) in enumerate(
        [("wave", 1, "train"), ("jump", 1, "train"), ("wave", 2, "test"), ("jump", 2, "unused")]
    )
]


def write_table(path, rows):
    """Write rows as CSV, or as Parquet where the suffix says so."""
    if path.suffix == ".parquet":
        parquet.write_table(pa.Table.from_pylist(rows), path)
    else:
        with path.open("w", newline="") as stream:
            writer = csv.DictWriter(stream, rows[0])
            writer.writeheader()
            writer.writerows(rows)
    return path


@pytest.fixture
def rows(tmp_path):
    """Rows whose videos and inertial readings are there."""
    clip = moving_square(10, 40, 60)
    random = np.random.default_rng(0)
    for number in range(4):
        write_video(tmp_path / "clips" / f"#{number} & more.mp4", clip, "mp4")
        np.save(tmp_path / f"{number}.npy", random.normal(size=(30, 6)))
    return [
        {**row, "rgb": f"clips/#{number} & more.mp4", "inertial": f"{number}.npy"}
        for number, row in enumerate(ROWS)
    ]


@pytest.mark.parametrize("name", ["own.csv", "own.parquet", "own.PARQUET", "own.txt"])
def test_a_table_becomes_a_corpus(tmp_path, rows, name):
    path = tmp_path / name
    write_table(path.with_suffix(path.suffix.lower()), rows).rename(path)
    source = Table(path, SIDE)
    wanted = [Modality.RGB, Modality.INERTIAL]
    write_corpus(source, source.recordings(wanted), wanted, tmp_path / "corpus", silent)
    corpus = Corpus.open(tmp_path / "corpus")
    assert corpus.sample_ids == ["clip 0", "clip 1", "clip 2"]
    assert corpus.classes == ("jump", "wave")
    assert corpus.labels.tolist() == [1, 0, 1]
    assert corpus.subjects.tolist() == [1, 1, 2]
    assert corpus.splits("own").tolist() == ["train", "train", "test"]
    assert corpus.array(0, Modality.RGB).shape == (10, 32, 48, 3)
    assert corpus.array(0, Modality.INERTIAL).shape == (30, 6)


def test_csv_and_parquet_of_the_same_rows_are_the_same(tmp_path, rows):
    tables = [Table(write_table(tmp_path / name, rows), SIDE) for name in ("a.csv", "a.parquet")]
    first, second = (table.recordings([Modality.RGB]) for table in tables)
    assert first == second


def test_camera_and_group_are_optional_and_a_group_is_a_subject_by_default(tmp_path, rows):
    plain = Table(write_table(tmp_path / "a.csv", rows), SIDE).recordings([])
    assert {(each.camera, each.group) for each in plain} == {(0, "subject 1"), (0, "subject 2")}
    noted = [{**row, "camera": 3, "group": "day 1"} for row in rows]
    told = Table(write_table(tmp_path / "a.csv", noted), SIDE).recordings([])
    assert {(each.camera, each.group) for each in told} == {(3, "day 1")}


def test_labels_may_be_numbers_and_are_sorted_as_numbers(tmp_path, rows):
    numbered = [
        {**row, "label": label} for row, label in zip(rows, ["10", "9", "09"], strict=False)
    ]
    source = Table(write_table(tmp_path / "a.csv", numbered), SIDE)
    assert source.classes == ("9", "10")
    assert [each.label for each in source.recordings([])] == [1, 0, 0]


def test_blanks_about_a_cell_a_byte_order_mark_and_empty_lines_are_no_matter(tmp_path, rows):
    path = write_table(tmp_path / "a.csv", rows)
    expected = read_rows(path)
    text = path.read_text().replace(",", " , ")
    path.write_bytes(b"\xef\xbb\xbf" + b"\n" + text.encode() + b"\n\n")
    assert read_rows(path) == expected


def test_a_modality_that_only_some_samples_have_is_wanted_of_all(tmp_path, rows):
    rows[1]["inertial"] = ""
    source = Table(write_table(tmp_path / "a.csv", rows), SIDE)
    assert len(source.recordings([Modality.RGB])) == 3
    with pytest.raises(UserError, match="row 3: no inertial"):
        source.recordings([Modality.INERTIAL])


def test_absent_files_are_listed_with_their_rows(tmp_path, rows):
    (tmp_path / "0.npy").unlink()
    (tmp_path / "2.npy").unlink()
    source = Table(write_table(tmp_path / "a.csv", rows), SIDE)
    with pytest.raises(UserError, match="2 recordings are absent") as caught:
        source.recordings([Modality.INERTIAL])
    assert "row 2" in str(caught.value)
    assert "2.npy" in str(caught.value)


def test_files_of_unused_rows_need_not_be_there(tmp_path, rows):
    (tmp_path / "3.npy").unlink()
    source = Table(write_table(tmp_path / "a.csv", rows), SIDE)
    assert len(source.recordings([Modality.INERTIAL])) == 3


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"split": "val"}, "row 2: split is 'val'"),
        ({"split": "Train"}, "row 2: split is 'Train'"),
        ({"split": ""}, "row 2: split is ''"),
        ({"sample_id": ""}, "row 2: sample_id is ''"),
        ({"sample_id": "clip 1"}, "row 3: .*row 2 has the same sample_id 'clip 1'"),
        ({"sample_id": "a\x00b"}, "row 2: sample_id|cannot be read"),
        ({"label": ""}, "row 2: label is ''"),
        ({"label": "3"}, r"labels are numbers \(3\) and names \(jump\)"),
        ({"subject": "Anna"}, "row 2: subject is 'Anna'"),
        ({"subject": "-1"}, "row 2: subject is '-1'"),
        ({"subject": "1.5"}, "row 2: subject is '1.5'"),
        ({"subject": "²"}, "row 2: subject is '²'"),
        ({"subject": "9" * 5000}, "row 2: subject is"),
        ({"rgb": "../clips/0.mp4"}, "row 2: the path '../clips/0.mp4'"),
        ({"rgb": "clips/../../x"}, "row 2: the path"),
        ({"rgb": "/etc/passwd"}, "row 2: the path '/etc/passwd'"),
        ({"rgb": "a\nb"}, "row 2: the path"),
    ],
)
@pytest.mark.parametrize("name", ["own.csv", "own.parquet"])
def test_a_cell_that_means_nothing_is_an_error_that_names_its_row(
    tmp_path, rows, changes, found, name
):
    texts = [{key: str(value) for key, value in row.items()} for row in rows]
    with pytest.raises(UserError, match=found):
        Table(write_table(tmp_path / name, [{**texts[0], **changes}, *texts[1:]]), SIDE)


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", "missing columns 'sample_id'"),
        ("sample_id,label,subject,split,rgb\n", "no row below"),
        ("sample_id,label,subject,split\na,b,1,train\n", "no column of files"),
        ("sample_id,label,subject,split,RGB\na,b,1,train,c\n", "unknown columns 'RGB'"),
        ("sample_id,label,split,rgb\na,b,train,c\n", "missing columns 'subject'"),
        ("sample_id,label,subject,split,rgb,rgb\na,b,1,train,c,d\n", "repeated columns 'rgb'"),
        ("sample_id,label,subject,split,rgb\na,b,1,train\n", "row 2: 4 cells below 5 columns"),
        ("sample_id,label,subject,split,rgb\na,b,1,train,c,d\n", "row 2: 6 cells"),
        ("sample_id;label;subject;split;rgb\na;b;1;train;c\n", "unknown columns"),
        ("sample_id,label,subject,split,rgb\na,b,1,unused,c\n", "every row is unused"),
        ('sample_id,label,subject,split,rgb\n"a,b,1,train,c', "cannot be read"),
    ],
)
def test_a_table_that_is_none_is_an_error_that_names_it(tmp_path, text, found):
    (tmp_path / "own.csv").write_text(text)
    with pytest.raises(UserError, match=found) as caught:
        Table(tmp_path / "own.csv", SIDE)
    assert "own.csv" in str(caught.value)


@pytest.mark.parametrize("name", ["own.csv", "own.parquet"])
@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00", b"PAR1PAR1", b"PAR1"])
def test_a_file_that_is_no_table_is_an_error(tmp_path, name, content):
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=name):
        Table(tmp_path / name, SIDE)


def test_identity_changes_with_the_table_its_files_and_the_size(tmp_path, rows):
    path = write_table(tmp_path / "a.csv", rows)
    wanted = [Modality.INERTIAL]
    before = Table(path, SIDE).identity(wanted)
    assert Table(path, SIDE).identity(wanted) == before
    assert Table(path, 48).identity(wanted) != before
    os.utime(tmp_path / "1.npy", (5, 5))
    touched = Table(path, SIDE).identity(wanted)
    assert touched != before
    write_table(path, [{**rows[0], "label": "jump"}, *rows[1:]])
    assert Table(path, SIDE).identity(wanted) != touched


def test_identity_changes_with_a_picture_in_a_folder(tmp_path, rows):
    (tmp_path / "clip").mkdir()
    (tmp_path / "clip" / "1.png").touch()
    path = write_table(tmp_path / "a.csv", [{**rows[0], "rgb": "clip"}, *rows[1:]])
    before = Table(path, SIDE).identity([Modality.RGB])
    os.utime(tmp_path / "clip" / "1.png", (5, 5))
    assert Table(path, SIDE).identity([Modality.RGB]) != before


SKELETON = np.random.default_rng(0).normal(size=(9, 20, 3)).astype(np.float32)
INERTIAL = np.random.default_rng(0).normal(size=(9, 6)).astype(np.float32)


def saved(tmp_path, suffix, array):
    path = tmp_path / f"file{suffix}"
    match suffix.lower():
        case ".npy":
            np.save(path, array)
            path = tmp_path / f"file{suffix}"
        case ".mat":
            savemat(path, {"anything": array}, appendmat=False)
        case ".csv":
            np.savetxt(path, array.reshape(len(array), -1), delimiter=",", fmt="%.9g")
    return path


@pytest.mark.parametrize("suffix", [".npy", ".mat", ".csv", ".MAT", ".CSV"])
@pytest.mark.parametrize(
    ("modality", "array"), [(Modality.SKELETON, SKELETON), (Modality.INERTIAL, INERTIAL)]
)
def test_series_are_read_from_arrays_and_csv(tmp_path, suffix, modality, array):
    read = read_table_file(modality, saved(tmp_path, suffix, array), SIDE)
    np.testing.assert_array_equal(read, array)


def test_a_csv_may_have_a_heading(tmp_path):
    path = saved(tmp_path, ".csv", INERTIAL)
    path.write_text("ax,ay,az,gx,gy,gz\n" + path.read_text())
    np.testing.assert_array_equal(read_table_file(Modality.INERTIAL, path, SIDE), INERTIAL)


@pytest.mark.parametrize("cell", ["", "x", "1,5"])
def test_a_first_row_in_which_one_cell_is_no_number_is_no_heading(tmp_path, cell):
    path = saved(tmp_path, ".csv", INERTIAL)
    path.write_text(f'0.1,"{cell}",0.3,1,2,3\n' + path.read_text())
    with pytest.raises(UserError, match="could not convert string to float"):
        read_table_file(Modality.INERTIAL, path, SIDE)


@pytest.mark.parametrize("suffix", [".npy", ".mat"])
@pytest.mark.parametrize(
    ("modality", "array"),
    [
        (Modality.DEPTH, np.full((9, 30, 40), 7, np.uint8)),
        (Modality.INFRARED, np.full((9, 30, 40), 7, np.uint8)),
        (Modality.RGB, np.full((9, 30, 40, 3), 7, np.uint8)),
        (Modality.FLOW, np.full((9, 30, 40, 2), -7, np.int8)),
    ],
)
def test_images_are_read_from_arrays_in_the_stored_form(tmp_path, suffix, modality, array):
    read = read_table_file(modality, saved(tmp_path, suffix, array), SIDE)
    np.testing.assert_array_equal(read, array)


@pytest.mark.parametrize("suffix", [".png", ".JPG"])
def test_a_folder_of_pictures_is_a_clip_in_the_order_of_its_numbers(tmp_path, suffix):
    for number in (1, 2, 10):
        picture = np.full((40, 60, 3), 20 * number, np.uint8)
        Image.fromarray(picture).save(tmp_path / f"frame 2024_{number}{suffix}")
    for modality, shape in ((Modality.RGB, (3, 32, 48, 3)), (Modality.INFRARED, (3, 32, 48))):
        read = read_table_file(modality, tmp_path, SIDE)
        assert read.shape == shape
        assert np.abs(read.reshape(3, -1).mean(axis=1) - [20, 40, 200]).max() < 2


def test_a_folder_of_16_bit_pictures_is_depth(tmp_path):
    for number in range(3):
        Image.fromarray(np.full((40, 60), 2500, np.uint16)).save(tmp_path / f"{number}.png")
    read = read_table_file(Modality.DEPTH, tmp_path, SIDE)
    assert read.dtype == np.uint8
    assert (read == 128).mean() > 0.9


@pytest.mark.parametrize("modality", [Modality.RGB, Modality.INFRARED])
def test_a_folder_of_16_bit_pictures_is_neither_rgb_nor_infrared(tmp_path, modality):
    Image.fromarray(np.full((40, 60), 2500, np.uint16)).save(tmp_path / "0.png")
    with pytest.raises(UserError, match=r"0\.png: it has the mode I;16, not channels of 8 bits"):
        read_table_file(modality, tmp_path, SIDE)


def test_a_video_is_infrared_as_brightness(tmp_path):
    path = write_video(tmp_path / "clip.avi", moving_square(10, 40, 60))
    assert read_table_file(Modality.INFRARED, path, SIDE).shape == (10, 32, 48)


@pytest.mark.parametrize("modality", Modality)
@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("clip.avi", b"not a video"),
        ("clip.mat", b"not a mat"),
        ("clip.npy", b"\x93NUMPY\x01\x00v\x00{'descr': '<f4', 'fortran_order': False, 'shape': (9"),
        ("clip.csv", b"1,2,3\n1,2\n"),
        ("clip.csv", b""),
        ("clip.csv", b"a\nb\n"),
        ("clip.csv", b"nan,1,2,3,4,5\n"),
        ("clip", b""),
    ],
)
def test_a_damaged_file_is_an_error_that_names_it(tmp_path, modality, name, content):
    (tmp_path / name).write_bytes(content)
    with pytest.raises(UserError, match=name):
        read_table_file(modality, tmp_path / name, SIDE)


@pytest.mark.parametrize("modality", Modality)
@pytest.mark.parametrize("name", ["absent.avi", "absent.npy", "absent.csv", "absent.mat"])
def test_an_absent_file_is_an_error_that_names_it(tmp_path, modality, name):
    with pytest.raises(UserError, match="absent"):
        read_table_file(modality, tmp_path / name, SIDE)


@pytest.mark.parametrize("modality", Modality)
def test_a_folder_without_pictures_is_an_error(tmp_path, modality):
    with pytest.raises(UserError, match=str(tmp_path)):
        read_table_file(modality, tmp_path, SIDE)


def test_several_arrays_in_one_file_are_an_error_that_names_them(tmp_path):
    savemat(tmp_path / "clip.mat", {"one": INERTIAL, "two": INERTIAL})
    with pytest.raises(UserError, match="holds 2 arrays of real numbers: one, two"):
        read_table_file(Modality.INERTIAL, tmp_path / "clip.mat", SIDE)


CELL = st.sampled_from(["a", "1", "train", "test", "rgb", "sample_id", "", "..", "/", "x.mp4"])
TEXT = st.lists(
    CELL | st.sampled_from([",", "\n", "\r", '"', ";", "\x00"]) | st.text(max_size=3), max_size=60
).map("".join)
HEADER = "sample_id,label,subject,split,rgb\n"


def check_any_csv(path, text):
    """Read a table of any text: what is returned means something, or it is refused."""
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    try:
        rows = read_rows(path)
    except UserError:
        return
    assert len({row.sample_id for row in rows}) == len(rows) > 0
    for row in rows:
        assert row.label
        assert row.split in SPLITS
        for file in row.files.values():
            assert file.resolve().is_relative_to(path.parent.resolve())


@given(text=TEXT, headed=st.booleans())
def test_any_text_is_read_or_refused(tmp_path_factory, text, headed):
    check_any_csv(tmp_path_factory.getbasetemp() / "any.csv", HEADER * headed + text)


@pytest.mark.long
@given(text=TEXT, headed=st.booleans())
@settings(max_examples=10_000)
def test_ten_thousand_texts_are_read_or_refused(tmp_path_factory, text, headed):
    check_any_csv(tmp_path_factory.getbasetemp() / "any.csv", HEADER * headed + text)


def read_altered(path, count, read):
    """Read a file with a few altered bytes `count` times; return how often it was refused."""
    whole, chance, refused = path.read_bytes(), random.Random(0), 0
    for _ in range(count):
        altered = bytearray(whole[: chance.choice([None, chance.randrange(len(whole))])])
        for _ in range(chance.randint(1, 6) if altered else 0):
            other = chance.choice([chance.randrange(256), chance.choice(whole)])
            altered[chance.randrange(len(altered))] = other
        path.write_bytes(altered)
        begin = time.monotonic()
        try:
            read(path)
        except UserError:
            refused += 1
        assert time.monotonic() - begin < 5
    return refused


def read_table(path):
    Table(path, SIDE).recordings([])


def read_series(path):
    read = read_table_file(Modality.INERTIAL, path, SIDE)
    assert read.shape[1:] == (6,)
    assert np.isfinite(read).all()


tables = pytest.mark.parametrize("name", ["own.csv", "own.parquet"])
series = pytest.mark.parametrize("suffix", [".npy", ".csv", ".mat"])


@tables
def test_altered_tables_are_read_or_refused_but_never_a_crash(tmp_path, rows, name):
    assert 0 < read_altered(write_table(tmp_path / name, rows), 100, read_table) < 100


@series
@pytest.mark.filterwarnings("ignore")
def test_altered_series_are_read_or_refused_but_never_a_crash(tmp_path, suffix):
    assert 0 < read_altered(saved(tmp_path, suffix, INERTIAL), 100, read_series) < 100


@pytest.mark.long
@tables
def test_ten_thousand_altered_tables_are_read_or_refused(tmp_path, rows, name):
    assert 0 < read_altered(write_table(tmp_path / name, rows), 10_000, read_table) < 10_000


@pytest.mark.long
@series
@pytest.mark.filterwarnings("ignore")
def test_ten_thousand_altered_series_are_read_or_refused(tmp_path, suffix):
    assert 0 < read_altered(saved(tmp_path, suffix, INERTIAL), 10_000, read_series) < 10_000
