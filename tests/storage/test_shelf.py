"""The shelf: whole artefacts or none, the same bytes on every machine."""

import json
import multiprocessing

import pytest

from fckd.errors import UserError
from fckd.storage.sums import Sums
from tests.storage.artefacts import (
    FILES,
    NAME,
    content,
    die_in,
    fetch_elsewhere,
    visible,
    write,
)
from tests.storage.server import BUCKET

pytestmark = pytest.mark.service
SPAWN = multiprocessing.get_context("spawn")


@pytest.fixture
def published(machine):
    """The shelf of the machine that has made the artefact."""
    shelf = machine("maker")
    shelf.publish(write(shelf.folder / NAME))
    return shelf


def key_of(server, place, beginning):
    prefix = place.removeprefix(f"s3://{BUCKET}/")
    (key,) = [key for key in server.keys(place) if key.startswith(beginning)]
    return f"{prefix}/{key}"


def killed(*given):
    process = SPAWN.Process(target=die_in, args=given)
    process.start()
    process.join()
    assert process.exitcode == -9


def test_what_one_machine_publishes_another_fetches(published, machine):
    other = machine("other")
    assert other.fetch(other.folder / NAME)
    assert content(other.folder / NAME) == FILES
    assert visible(other) == [NAME]


def test_a_large_file_goes_in_parts_and_comes_back_whole(machine, monkeypatch, s3, place):
    monkeypatch.setattr("fckd.storage.bucket.PART_BYTES", 5 * 2**20)
    files = {"shard": bytes(range(256)) * 2**16}
    maker, other = machine("maker"), machine("other")
    maker.publish(write(maker.folder / NAME, files))
    head = s3.client.head_object(Bucket=BUCKET, Key=key_of(s3, place, f"{NAME}/shard"))
    assert head["ETag"].strip('"').endswith("-4")
    assert other.fetch(other.folder / NAME)
    assert content(other.folder / NAME) == files


def test_what_nobody_has_published_is_not_there(machine):
    shelf = machine("lonely")
    assert not shelf.fetch(shelf.folder / NAME)
    assert visible(shelf) == []


def test_what_is_on_this_machine_is_not_fetched_again(published, machine, s3):
    other = machine("other")
    other.fetch(other.folder / NAME)
    before = s3.count("GET")
    assert other.fetch(other.folder / NAME)
    assert machine("other").fetch(other.folder / NAME)
    assert s3.count("GET") == before


def test_publishing_twice_sends_nothing(published, s3):
    before = s3.count("PUT")
    published.publish(published.folder / NAME)
    assert s3.count("PUT") == before


def test_an_artefact_of_which_the_list_is_missing_is_invisible(machine, place, s3):
    maker, other = machine("maker"), machine("other")
    write(maker.folder / NAME)
    killed("upload", place, maker.folder.parents[2], NAME, 2)
    assert len(s3.keys(place)) >= 2
    assert not other.fetch(other.folder / NAME)
    assert other.names("teachers") == []


def test_publishing_goes_on_where_a_killed_process_ended(machine, place, s3):
    maker, other = machine("maker"), machine("other")
    write(maker.folder / NAME)
    killed("upload", place, maker.folder.parents[2], NAME, 2)
    there, before = len(s3.keys(place)), s3.count("PUT")
    maker.publish(maker.folder / NAME)
    assert s3.count("PUT") - before == len(FILES) - there + 1
    assert other.fetch(other.folder / NAME)
    assert content(other.folder / NAME) == FILES


def test_a_killed_fetch_leaves_nothing_that_looks_like_an_artefact(published, machine, place):
    other = machine("other")
    killed("download", place, other.folder.parents[2], NAME, 2)
    assert visible(other) == []
    assert other.fetch(other.folder / NAME)
    assert content(other.folder / NAME) == FILES
    assert [path.name for path in (other.folder / "teachers").iterdir()] == [NAME.split("/")[1]]


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda content: b"W" + content[1:], id="one byte"),
        pytest.param(lambda content: content[:-1], id="cut short"),
    ],
)
def test_a_damaged_object_is_refused_and_leaves_nothing(published, machine, place, s3, damage):
    key = key_of(s3, place, f"{NAME}/model")
    s3.client.put_object(Bucket=BUCKET, Key=key, Body=damage(FILES["model.safetensors"]))
    other = machine("other")
    with pytest.raises(UserError, match=r"model.safetensors is not what(.|\n)*delete s3://"):
        other.fetch(other.folder / NAME)
    assert visible(other) == []
    assert list((other.folder / "teachers").iterdir()) == []


@pytest.mark.parametrize("name", ["../../teacher.json", "/tmp/teacher.json", "a/b", ".hidden"])
def test_a_list_cannot_name_a_file_elsewhere(published, machine, place, s3, name):
    key = key_of(s3, place, f"{NAME}.json")
    listed = json.loads(s3.client.get_object(Bucket=BUCKET, Key=key)["Body"].read())
    listed["files"] = {name: next(iter(listed["files"].values()))}
    s3.client.put_object(Bucket=BUCKET, Key=key, Body=json.dumps(listed).encode())
    other = machine("other")
    with pytest.raises(UserError, match="its list"):
        other.fetch(other.folder / NAME)
    assert visible(other) == []


def test_many_processes_of_a_node_fetch_once(published, machine, place, tmp_path, s3):
    before = s3.count("GET")
    alone = machine("alone")
    alone.fetch(alone.folder / NAME)
    cost = s3.count("GET") - before
    assert cost >= len(FILES)
    barrier, results = SPAWN.Barrier(3, timeout=120), SPAWN.Queue()
    given = (place, tmp_path / "node", NAME, barrier, results)
    processes = [SPAWN.Process(target=fetch_elsewhere, args=given, daemon=True) for _ in range(3)]
    before = s3.count("GET")
    for process in processes:
        process.start()
    found = [results.get(timeout=300) for _ in processes]
    for process in processes:
        process.join()
    assert found == [(True, sorted(FILES))] * 3
    assert s3.count("GET") - before == cost


def test_of_two_machines_the_first_to_finish_decides(published, machine):
    """Training the same teacher twice need not give the same bits."""
    late, third = machine("late"), machine("third")
    folder = write(late.folder / NAME, {**FILES, "model.safetensors": b"other weights"})
    late.publish(folder)
    assert content(folder) == FILES
    assert third.fetch(third.folder / NAME)
    assert content(third.folder / NAME) == FILES


def test_what_is_made_anew_is_published_with_its_own_sums(published, machine, place, s3):
    for key in s3.keys(place):
        prefix = place.removeprefix(f"s3://{BUCKET}/")
        s3.client.delete_object(Bucket=BUCKET, Key=f"{prefix}/{key}")
    folder = published.folder / NAME
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()
    assert not published.fetch(folder)
    files = {"model.safetensors": b"trained again"}
    published.publish(write(folder, files))
    other = machine("other")
    assert other.fetch(other.folder / NAME)
    assert content(other.folder / NAME) == files


def test_names_are_those_of_whole_artefacts(published):
    assert published.names("teachers") == [NAME.split("/")[1]]
    assert published.names("corpora") == []


def test_sums_list_every_file_but_nothing_in_a_folder(tmp_path):
    folder = write(tmp_path / "folder")
    write(folder / "previews")
    sums = Sums.of(folder)
    assert set(sums.files) == set(FILES)
    assert sums.bytes == sum(map(len, FILES.values()))
