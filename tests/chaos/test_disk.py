"""Disks fill up, files are locked, cut short and deleted under a running sweep."""

import os
import shutil
import sqlite3
import subprocess
import time
from contextlib import closing

import psutil
import pytest

from fckd.train.checkpoints import save_checkpoint
from tests.chaos.campaign import TRIALS, Campaign
from tests.chaos.moments import Moment, comes
from tests.chaos.whole import assert_alike

pytestmark = [pytest.mark.chaos, pytest.mark.ray, pytest.mark.long, pytest.mark.timeout(1200)]

MIDST = Moment("epoch", 4, 0.0)
LOCKED_SECONDS = 12.0
"""Longer than SQLite waits by itself."""


@pytest.fixture
def small_disk(tmp_path):
    """A file system of its own, which a file can fill."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a small disk")
    disk = tmp_path / "disk"
    disk.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(disk)], check=True)
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def fill(disk):
    """Leave no byte free."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as stream:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    stream.write(b"\0" * size)
            except OSError:
                continue
    return filler


def test_a_full_disk_ends_a_sweep_with_a_clear_error_and_costs_it_nothing(reference, small_disk):
    wounded = Campaign(small_disk)
    # Its log is elsewhere, for it is read when the disk is full.
    wounded.log = small_disk.parent / "driver.log"
    with wounded.running() as driver:
        assert comes(MIDST, wounded, driver)
        filler = fill(small_disk)
        code = driver.wait(300)
    said = wounded.log.read_text()
    assert code == 75, said[-4000:]
    assert "Traceback" not in said
    assert "No space left on device" in said or "disk is full" in said
    assert "to do:    mend that and run the same command again" in said
    filler.unlink()
    wounded.finish()
    assert_alike(wounded, reference)


def test_a_ledger_that_is_locked_for_a_while_is_waited_for(reference, tmp_path):
    wounded = Campaign(tmp_path)
    with wounded.running() as driver:
        assert comes(MIDST, wounded, driver)
        with closing(sqlite3.connect(tmp_path / "ledger.db", timeout=60)) as other:
            other.execute("BEGIN EXCLUSIVE")
            time.sleep(LOCKED_SECONDS)
            other.rollback()
        assert driver.wait(600) == 0, wounded.log.read_text()[-4000:]
    assert_alike(wounded, reference)


def test_a_checkpoint_that_is_cut_short_is_not_read_and_its_trial_begins_again(reference, tmp_path):
    wounded = Campaign(tmp_path)
    with wounded.running() as driver:
        assert comes(Moment("epoch", 1, 0.0), wounded, driver)
        driver.kill()
    last = f"{wounded.folder.name}-{TRIALS - 1:04d}"
    checkpoint = wounded.folder / "trials" / last / "checkpoint.pt"
    save_checkpoint(checkpoint, {"epoch": 3, "epochs": []})
    content = checkpoint.read_bytes()
    checkpoint.write_bytes(content[: len(content) // 2])
    wounded.finish()
    assert_alike(wounded, reference)


def test_lessons_that_are_deleted_under_way_are_made_again(reference, tmp_path):
    wounded = Campaign(tmp_path, "execution.retries=5")
    with wounded.running() as driver:
        assert comes(MIDST, wounded, driver)
        shutil.rmtree(tmp_path / "lessons")
        # Those who have them open go on; one that comes later misses them.
        for process in psutil.Process(driver.pid).children(recursive=True):
            if "RayTrainWorker" in " ".join(process.cmdline()):
                process.kill()
        assert driver.wait(600) == 0, wounded.log.read_text()[-4000:]
    assert list((tmp_path / "lessons").glob("skeleton-*"))
    assert_alike(wounded, reference)
