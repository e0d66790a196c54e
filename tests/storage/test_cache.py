"""What gives way when the cache is full, and what never does."""

import fcntl
import multiprocessing
import os

import pytest

from fckd.errors import UserError
from fckd.storage.cache import Cache, cache_limit, cache_root
from fckd.storage.shelf import open_shelf, storage_folder
from fckd.storage.sums import Sums
from tests.storage.artefacts import content, hold_elsewhere, visible, write

SPAWN = multiprocessing.get_context("spawn")
SIZE = 1000
FIRST, SECOND, THIRD = (f"lessons/teacher-{number}" for number in range(3))


@pytest.fixture
def full(machine):
    """Return a function that opens a machine whose cache has room for two of three artefacts."""
    maker = machine("maker")
    for name in (FIRST, SECOND, THIRD):
        maker.publish(write(maker.folder / name, {"shard": name.encode().ljust(SIZE)}))
    return lambda name="small": machine(name, limit=2 * SIZE)


def fetched(shelf, *names):
    """Fetch, as processes do that have ended since."""
    for age, name in enumerate(names):
        assert shelf.fetch(shelf.folder / name)
        for lease in (shelf.folder.parents[2] / ".artefacts").glob("*.lease"):
            os.utime(lease, (lease.stat().st_atime, lease.stat().st_mtime - 10 * (age + 1)))


@pytest.mark.service
def test_what_was_not_used_for_longest_gives_way(full):
    fetched(full(), FIRST)
    fetched(full(), SECOND)
    fetched(full(), FIRST)
    last = full()
    assert last.fetch(last.folder / THIRD)
    assert visible(last) == [FIRST, THIRD]


@pytest.mark.service
def test_what_gave_way_is_fetched_again(full):
    for name in (FIRST, SECOND, THIRD):
        fetched(full(), name)
    again = full()
    assert visible(again) == [SECOND, THIRD]
    assert again.fetch(again.folder / FIRST)
    assert content(again.folder / FIRST)["shard"].startswith(FIRST.encode())


@pytest.mark.service
def test_what_another_process_holds_stays_even_before_it_is_opened(full, place, tmp_path):
    held = SPAWN.Event()
    given = (place, tmp_path / "small", FIRST, held, 2 * SIZE)
    process = SPAWN.Process(target=hold_elsewhere, args=given, daemon=True)
    process.start()
    assert held.wait(300)
    fetched(full(), SECOND)
    fetched(full(), THIRD)
    assert visible(full()) == [FIRST, THIRD]
    process.kill()
    process.join()
    fetched(full(), SECOND)
    assert visible(full()) == [SECOND, THIRD]


@pytest.mark.service
def test_what_is_in_use_stays_beyond_the_limit(full):
    shelf = full()
    for name in (FIRST, SECOND, THIRD):
        assert shelf.fetch(shelf.folder / name)
    assert visible(shelf) == [FIRST, SECOND, THIRD]


@pytest.mark.service
def test_what_is_on_no_shelf_and_what_is_no_artefact_stay(full):
    shelf = full()
    write(shelf.folder / "teachers" / "mine", {"weights": b"x" * 5 * SIZE})
    write(shelf.folder / "sweeps" / "demo", {"leaderboard.json": b"x" * 5 * SIZE})
    for name in (FIRST, SECOND, THIRD):
        fetched(full(), name)
    assert visible(shelf) == [SECOND, THIRD, "sweeps/demo", "teachers/mine"]


@pytest.mark.service
def test_publishing_makes_room_too(full):
    fetched(full(), FIRST)
    fetched(full(), SECOND)
    shelf, mine = full(), "lessons/mine"
    shelf.publish(write(shelf.folder / mine, {"shard": b"m" * SIZE}))
    assert visible(shelf) == [mine, SECOND]


@pytest.mark.service
def test_a_mapped_file_outlives_its_artefact(full):
    first = full()
    first.fetch(first.folder / FIRST)
    with (first.folder / FIRST / "shard").open("rb") as stream:
        del first
        fetched(full(), SECOND)
        fetched(full(), THIRD)
        assert visible(full()) == [SECOND, THIRD]
        assert stream.read().startswith(FIRST.encode())


def test_a_cache_may_lie_on_nfs(tmp_path, monkeypatch):
    """NFS carries out flock by POSIX locks, which are refused by what was opened otherwise."""
    monkeypatch.setattr(fcntl, "flock", fcntl.lockf)
    cache = Cache(tmp_path, SIZE)
    folder = write(tmp_path / FIRST, {"shard": bytes(SIZE)})
    cache.hold(folder)
    cache.note(folder, Sums.of(folder))
    cache.make_room(SIZE)


@pytest.mark.parametrize("given", ["0", "-5", "10G", "1e9", "much"])
def test_a_limit_is_a_positive_number_of_bytes(given, monkeypatch):
    monkeypatch.setenv("FCKD_CACHE_BYTES", given)
    with pytest.raises(UserError, match="FCKD_CACHE_BYTES"):
        cache_limit()


def test_where_the_cache_is(monkeypatch, tmp_path):
    monkeypatch.delenv("FCKD_CACHE", raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_root() == tmp_path / "fckd"
    monkeypatch.setenv("FCKD_CACHE", str(tmp_path / "large"))
    assert storage_folder("s3://bucket/a/b") == tmp_path / "large" / "bucket" / "a" / "b"


def test_a_folder_has_no_shelf(tmp_path):
    assert open_shelf(str(tmp_path)) is None
    assert storage_folder(str(tmp_path)) == tmp_path
