"""Several processes make the lessons of one teacher together."""

import multiprocessing
import time

import numpy as np
import pytest

from fckd.errors import UserError
from fckd.train import lesson_blocks
from fckd.train.lesson_blocks import LessonBlocks
from fckd.train.lessons import LessonRows, LessonShape, LessonStore

SHAPE = LessonShape(classes=3, channels=4, grid=(2,))
BLOCKS = [range(start, start + 2) for start in range(0, 12, 2)]
SAMPLES, VIEWS, KEY = list(range(6)), 2, {"teacher": "a"}
SPAWN = multiprocessing.get_context("spawn")


def rows(block):
    numbers = np.arange(block.start, block.stop, dtype=np.float32)
    return LessonRows(
        np.tile(numbers[:, None], 3),
        np.tile(numbers[:, None, None], (1, 4, 2)).astype(np.float16),
        np.tile(np.arange(4, dtype=np.int16), (len(block), 1)),
        np.ones((len(block), 4), np.float32),
    )


def help_with(folder, told, pause):
    """Make blocks in another process, and tell of each."""

    def make(block):
        told.put(block.start)
        time.sleep(pause)
        return rows(block)

    for _ in LessonBlocks(folder, SHAPE, BLOCKS).fill(make, helping=True):
        pass


def started(*given):
    """Start a process that helps, and that ends with this one at the latest."""
    process = SPAWN.Process(target=help_with, args=given, daemon=True)
    process.start()
    return process


def finish(folder, make=rows):
    blocks = LessonBlocks(folder, SHAPE, BLOCKS)
    there = list(blocks.fill(make))
    blocks.close(KEY, SAMPLES, VIEWS)
    return there


def assert_whole(folder):
    store = LessonStore(folder, KEY)
    logits = np.concatenate([shard.logits[:, 0] for shard in store._shards])
    np.testing.assert_array_equal(logits, np.arange(12))
    assert [path.name for path in folder.parent.iterdir() if path.is_dir()] == [folder.name]


def test_no_block_is_made_twice(tmp_path):
    folder, told = tmp_path / "store", SPAWN.Queue()
    helpers = [started(folder, told, 0.2) for _ in range(2)]
    mine = [told.get(timeout=300)]
    finish(folder, lambda block: mine.append(block.start) or rows(block))
    for helper in helpers:
        helper.join()
    while not told.empty():
        mine.append(told.get())
    assert sorted(mine) == [block.start for block in BLOCKS]
    assert_whole(folder)


def test_what_a_killed_process_had_in_its_hands_is_made_by_another(tmp_path):
    folder, told = tmp_path / "store", SPAWN.Queue()
    slow = started(folder, told, 600)
    begun = told.get(timeout=300)
    seen = []
    waiting = LessonBlocks(folder, SHAPE, BLOCKS).fill(rows)
    seen += [next(waiting) for _ in range(5)]
    assert seen == [2, 4, 6, 8, 10]
    slow.kill()
    slow.join()
    assert list(waiting) == [12]
    assert begun == 0
    assert finish(folder) == []
    assert_whole(folder)


def test_a_helper_does_not_wait_for_what_is_in_other_hands(tmp_path):
    folder, told = tmp_path / "store", SPAWN.Queue()
    slow = started(folder, told, 600)
    told.get(timeout=300)
    helping = LessonBlocks(folder, SHAPE, BLOCKS).fill(rows, helping=True)
    assert list(helping) == [2, 4, 6, 8, 10]
    slow.kill()
    slow.join()


def test_one_that_comes_when_all_is_done_does_nothing(tmp_path, monkeypatch):
    monkeypatch.setattr(lesson_blocks, "LOOK_SECONDS", 0.01)
    folder = tmp_path / "store"
    late = LessonBlocks(folder, SHAPE, BLOCKS).fill(rows)
    assert next(late) == 2
    finish(folder)
    assert list(late) == []
    assert finish(folder) == []
    assert_whole(folder)


def test_a_helper_that_comes_when_the_store_is_there_leaves_nothing(tmp_path):
    finish(tmp_path / "lessons")
    assert list(LessonBlocks(tmp_path / "lessons", SHAPE, BLOCKS).fill(rows, helping=True)) == []
    assert_whole(tmp_path / "lessons")


def test_a_damaged_number_leaves_the_other_blocks_for_the_next_attempt(tmp_path):
    def broken(block):
        made = rows(block)
        made.logits[:] = np.nan if block.start == 4 else 0
        return made

    with pytest.raises(UserError, match="not finite in float16"):
        finish(tmp_path / "store", broken)
    assert finish(tmp_path / "store")[0] == 6
