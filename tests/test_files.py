"""Files that are either whole or absent, and names made of content."""

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fckd.errors import UserError
from fckd.files import (
    fingerprint,
    make_folder,
    new_folder,
    sha256_of_file,
    write_bytes,
    write_json,
)

PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


def fill_half(target):
    with new_folder(target) as temporary:
        (temporary / "first").write_text("half")
        raise KeyboardInterrupt


def test_a_new_folder_is_invisible_until_it_is_whole(tmp_path):
    target = tmp_path / "deep" / "store"
    with new_folder(target) as temporary:
        (temporary / "first").write_text("1")
        assert not target.exists()
        (temporary / "second").write_text("2")
    assert sorted(path.name for path in target.iterdir()) == ["first", "second"]


def test_an_interrupted_folder_leaves_nothing_behind(tmp_path):
    with pytest.raises(KeyboardInterrupt):
        fill_half(tmp_path / "store")
    assert list(tmp_path.iterdir()) == []


def test_an_interrupted_replacement_leaves_the_old_folder_as_it_was(tmp_path):
    with new_folder(tmp_path / "store") as temporary:
        (temporary / "first").write_text("old")
    with pytest.raises(KeyboardInterrupt):
        fill_half(tmp_path / "store")
    assert [path.name for path in tmp_path.iterdir()] == ["store"]
    assert (tmp_path / "store" / "first").read_text() == "old"


def test_a_replaced_folder_holds_nothing_of_the_old_one(tmp_path):
    for name in ("old", "new"):
        with new_folder(tmp_path / "store") as temporary:
            (temporary / name).touch()
    assert [path.name for path in (tmp_path / "store").iterdir()] == ["new"]


def test_a_written_file_replaces_the_old_one_and_leaves_nothing_else(tmp_path):
    target = tmp_path / "deep" / "file"
    write_bytes(target, b"old")
    write_bytes(target, b"new")
    assert target.read_bytes() == b"new"
    assert list(target.parent.iterdir()) == [target]


def test_a_file_that_cannot_be_written_leaves_the_old_one_and_nothing_else(tmp_path):
    target = tmp_path / "file"
    write_bytes(target, b"old")
    with pytest.raises(TypeError):
        write_bytes(target, "text is not bytes")
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_content_that_is_not_json_leaves_the_old_file(tmp_path):
    write_json(tmp_path / "file.json", {"a": 1})
    with pytest.raises(TypeError):
        write_json(tmp_path / "file.json", {"a": object()})
    assert json.loads((tmp_path / "file.json").read_text()) == {"a": 1}


def test_a_folder_that_cannot_be_made_is_the_users_to_mend(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(UserError, match=r"cannot write to .*file.*\n.*\n.*choose another place$"):
        make_folder(tmp_path / "file" / "below")


def test_a_file_has_the_sum_that_sha256sum_prints(tmp_path):
    (tmp_path / "file").write_bytes(b"x" * 100_000)
    assert sha256_of_file(tmp_path / "file") == hashlib.sha256(b"x" * 100_000).hexdigest()


@given(st.dictionaries(st.text(), PLAIN, min_size=2))
def test_a_fingerprint_does_not_depend_on_the_order_of_keys(content):
    backward = dict(reversed(content.items()))
    assert fingerprint(backward) == fingerprint(content)


@given(PLAIN, PLAIN)
def test_a_fingerprint_tells_contents_apart(one, other):
    same = json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)
    assert (fingerprint(one) == fingerprint(other)) == same


def test_a_fingerprint_stays_what_it_was():
    # Changing it would make every artefact on every disk anew.
    assert fingerprint({"b": [1, 2.5, None], "a": "é"}) == "84afbf1d4853005f"
