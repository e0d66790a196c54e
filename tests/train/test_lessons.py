"""The lesson store: what is written is what is read, or nothing is."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch

from fckd.config.experiment import FocalSettings
from fckd.distill.focal import focal_count, scatter_channels
from fckd.distill.lesson import lesson as live_lesson
from fckd.errors import UserError
from fckd.train.lesson_blocks import LessonBlocks
from fckd.train.lessons import LessonRows, LessonShape, LessonStore, Wish

CPU = torch.device("cpu")
KEY = {"teacher": "abc", "criterion": "magnitude"}
SHAPE = LessonShape(classes=3, channels=8, grid=(2, 3))
SAMPLES = [9, 2, 5]
VIEWS = 2
SHARD = f"rows-00000000-{len(SAMPLES) * VIEWS:08d}.arrow"


@pytest.fixture
def rows():
    random, count = np.random.default_rng(0), len(SAMPLES) * VIEWS
    return LessonRows(
        random.normal(size=(count, SHAPE.classes)).astype(np.float32),
        random.normal(size=(count, SHAPE.channels, SHAPE.positions)).astype(np.float16),
        random.permuted(np.tile(np.arange(8, dtype=np.int16), (count, 1)), axis=1),
        -np.sort(-random.gamma(1.0, size=(count, SHAPE.channels)).astype(np.float32)),
    )


def write(folder, rows, cuts=()):
    ends = zip((0, *cuts), (*cuts, len(rows.logits)), strict=True)
    blocks = LessonBlocks(folder, SHAPE, [range(start, stop) for start, stop in ends])
    for _ in blocks.fill(lambda block: part_of(rows, block)):
        pass
    blocks.close(KEY, SAMPLES, VIEWS)
    return folder


def part_of(rows, block):
    part = slice(block.start, block.stop)
    return LessonRows(**{name: column[part] for name, column in vars(rows).items()})


@pytest.fixture
def folder(tmp_path, rows):
    return write(tmp_path / "store", rows)


ALL = FocalSettings(ratio=1.0)


def read(store, samples, views, focal=ALL, whole=False, batch=None):
    pairs = np.array(samples), np.array(views)
    return store.read(*pairs, Wish(focal, whole, batch or pairs), CPU)


def ratio(value, /, **fields):
    return FocalSettings(ratio=value, **fields)


@pytest.mark.parametrize("cuts", [(), (2,), (1, 2, 5)])
def test_every_row_is_read_back_as_it_was_written_however_it_was_cut(tmp_path, rows, cuts):
    store = LessonStore(write(tmp_path / "cut", rows, cuts), KEY)
    for place, sample in enumerate(SAMPLES):
        for view in (1, 2):
            row = place * VIEWS + view - 1
            lesson = read(store, [sample], [view])
            np.testing.assert_array_equal(lesson.logits[0], rows.logits[row])
            np.testing.assert_array_equal(
                lesson.features[0].flatten(1), rows.features[row].astype(np.float32)
            )
            np.testing.assert_array_equal(lesson.channels[0], rows.permutation[row])


def test_a_batch_is_read_in_the_order_asked_also_across_shards(tmp_path, rows):
    store = LessonStore(write(tmp_path / "cut", rows, (1, 4)), KEY)
    pairs = [(5, 2), (9, 1), (5, 2), (2, 1), (9, 2)]
    batch = read(store, *zip(*pairs, strict=True), ratio(0.5))
    for place, (sample, view) in enumerate(pairs):
        single = read(store, [sample], [view], ratio(0.5))
        assert batch.logits[place].equal(single.logits[0])
        assert batch.features[place].equal(single.features[0])
        assert batch.channels[place].equal(single.channels[0])


@pytest.mark.parametrize("focal", [ratio(r) for r in (0.01, 0.25, 0.5, 0.8, 1.0)], ids=str)
def test_a_ratio_reads_a_prefix_of_the_channels(folder, focal):
    store, count = LessonStore(folder, KEY), focal_count(focal, SHAPE.channels)
    whole, part = (read(store, [2, 5], [1, 2], f) for f in (ratio(1.0), focal))
    assert part.features.shape == (2, count, *SHAPE.grid)
    assert part.features.equal(whole.features[:, :count])
    assert part.channels.equal(whole.channels[:, :count])
    assert part.logits.equal(whole.logits)


def test_without_a_ratio_only_the_logits_are_read(folder):
    lesson = read(LessonStore(folder, KEY), [2], [1], focal=None)
    assert lesson.logits.shape == (1, SHAPE.classes)
    assert lesson.features is None
    assert lesson.channels is None


ALL_ROWS = ([9, 9, 2, 2, 5, 5], [1, 2] * 3)


@pytest.mark.parametrize("whole", [False, True], ids=["focal channels", "all channels"])
@pytest.mark.parametrize("selection", ["hard", "soft"])
@pytest.mark.parametrize("scope", ["sample", "batch", "dataset"])
def test_a_store_says_what_its_teacher_would_say_if_it_ran_now(
    tmp_path, rows, scope, selection, whole
):
    focal = ratio(0.5, scope=scope, selection=selection)
    channels = torch.from_numpy(rows.permutation).long()
    features = scatter_channels(torch.from_numpy(rows.features).float(), channels)
    saliency = scatter_channels(torch.from_numpy(rows.saliency), channels)
    if scope == "dataset":
        saliency = saliency.mean(dim=0, keepdim=True).expand_as(saliency)
    now = live_lesson(torch.from_numpy(rows.logits), features, saliency, focal, whole=whole)
    kept = read(LessonStore(write(tmp_path / "cut", rows, (2,)), KEY), *ALL_ROWS, focal, whole)
    torch.testing.assert_close(kept.features.flatten(2), now.features)
    assert kept.channels.equal(now.channels)
    assert kept.focal == now.focal == 4
    assert (kept.emphasis is None) == (now.emphasis is None) == (selection == "hard")
    if kept.emphasis is not None:
        torch.testing.assert_close(kept.emphasis, now.emphasis)


def test_the_channels_of_a_batch_are_those_of_the_whole_batch_on_every_rank(folder):
    store, focal = LessonStore(folder, KEY), ratio(0.5, scope="batch")
    together = read(store, *ALL_ROWS, focal)
    pairs = tuple(np.array(column) for column in ALL_ROWS)
    for rank in (0, 1):
        share = read(store, *(column[rank::2] for column in pairs), focal, batch=pairs)
        assert share.channels.equal(together.channels[rank::2])
        assert share.features.equal(together.features[rank::2])


def test_the_fixed_list_of_a_data_set_does_not_depend_on_the_batch(folder):
    store, focal = LessonStore(folder, KEY), ratio(0.5, scope="dataset")
    lists = [read(store, [sample], [1], focal).channels[0].tolist() for sample in SAMPLES]
    assert lists[0] == lists[1] == lists[2]


def test_a_whole_map_comes_back_in_the_teachers_own_order(folder, rows):
    lesson = read(LessonStore(folder, KEY), *ALL_ROWS, ratio(0.25), whole=True)
    for row, permutation in enumerate(rows.permutation):
        np.testing.assert_array_equal(
            lesson.whole()[row, permutation].flatten(1), rows.features[row].astype(np.float32)
        )


def test_what_is_read_fits_the_losses(folder):
    lesson = read(LessonStore(folder, KEY), [2], [1])
    assert lesson.logits.dtype == lesson.features.dtype == torch.float32
    assert lesson.channels.dtype == torch.int64


def test_an_open_store_is_a_memory_map_that_costs_no_memory(folder):
    before = pa.total_allocated_bytes()
    store = LessonStore(folder, KEY)
    assert pa.total_allocated_bytes() - before < (folder / SHARD).stat().st_size / 4
    assert str(folder / SHARD) in Path("/proc/self/maps").read_text()
    assert read(store, [2], [1]).features.isfinite().all()


def test_changing_what_was_read_does_not_change_the_store(folder):
    store = LessonStore(folder, KEY)
    read(store, [2], [1]).logits.zero_()
    assert read(store, [2], [1]).logits.abs().sum() > 0


@pytest.mark.parametrize(
    ("sample", "view"),
    [(3, 1), (0, 1), (10, 1), (100, 1), (2, 0), (2, 3), (9, 0), (-1, 1)],
)
def test_a_pair_that_has_no_lesson_is_refused_rather_than_given_anothers(folder, sample, view):
    with pytest.raises(ValueError, match=f"no lesson of sample {sample} under view {view}"):
        read(LessonStore(folder, KEY), [2, sample], [1, view])


@pytest.mark.parametrize(
    "key", [{}, {"teacher": "abc"}, {**KEY, "criterion": "cam"}, {**KEY, "views": 2}]
)
def test_lessons_made_from_something_else_are_refused(folder, key):
    with pytest.raises(UserError, match="made from something else"):
        LessonStore(folder, key)


def test_lessons_of_another_schema_are_refused(folder):
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "manifest.json").write_text(json.dumps({**manifest, "schema_version": 0}))
    with pytest.raises(UserError, match="made from something else"):
        LessonStore(folder, KEY)


def test_a_shard_that_was_changed_by_one_bit_is_refused(folder):
    content = bytearray((folder / SHARD).read_bytes())
    content[len(content) // 2] ^= 1
    (folder / SHARD).write_bytes(content)
    with pytest.raises(UserError, match="checksum"):
        LessonStore(folder, KEY)


def test_a_shard_that_is_missing_or_cut_short_is_refused(folder):
    whole = (folder / SHARD).read_bytes()
    (folder / SHARD).write_bytes(whole[: len(whole) // 2])
    with pytest.raises(UserError, match="checksum"):
        LessonStore(folder, KEY)
    (folder / SHARD).unlink()
    with pytest.raises(UserError, match="is missing"):
        LessonStore(folder, KEY)


@pytest.mark.parametrize("manifest", [None, "", "{"])
def test_a_folder_without_a_readable_manifest_is_refused(folder, manifest):
    (folder / "manifest.json").unlink()
    if manifest is not None:
        (folder / "manifest.json").write_text(manifest)
    with pytest.raises(UserError, match="no readable lessons"):
        LessonStore(folder, KEY)


@pytest.mark.filterwarnings("ignore:overflow")
@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("features", np.nan),
        ("features", -np.inf),
        ("features", 70_000.0),
        ("logits", np.nan),
        ("logits", np.inf),
    ],
)
def test_a_value_that_half_precision_cannot_hold_is_refused(tmp_path, rows, column, value):
    wide = replace(rows, features=rows.features.astype(np.float32))
    getattr(wide, column)[1, 1] = value
    with pytest.raises(UserError, match="not finite"):
        write(tmp_path / "store", wide)
    (left,) = tmp_path.iterdir()
    assert left.name.startswith(".")
    assert {path.suffix for path in left.iterdir()} <= {".lock"}
