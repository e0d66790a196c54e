"""Who packed a student: where a key is set, only what it signed is accepted."""

import shutil
import subprocess

import pytest

from fckd.errors import UserError
from fckd.registry.folder import read_student
from fckd.registry.mlflow_model import _load_pyfunc
from fckd.registry.student import load_student
from fckd.registry.sums import SIGNATURE, SUMS, write_sums
from tests.registry.keys import key_pair
from tests.registry.students import packed


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch):
    monkeypatch.delenv("FCKD_SIGNING_KEY", raising=False)
    monkeypatch.delenv("FCKD_PUBLIC_KEY", raising=False)


@pytest.fixture
def keys(tmp_path):
    return key_pair(tmp_path)


@pytest.fixture
def signed(tmp_path, keys, monkeypatch):
    monkeypatch.setenv("FCKD_SIGNING_KEY", str(keys[0]))
    folder = packed(tmp_path / "signed")
    monkeypatch.delenv("FCKD_SIGNING_KEY")
    return folder


def test_a_signed_student_is_accepted_by_its_key(signed, keys):
    assert load_student(signed, public_key=keys[1]).card.name == "demo"


def test_without_a_key_a_signed_student_is_a_student(signed):
    assert load_student(signed).card.name == "demo"


def test_the_environment_demands_a_signature_everywhere(tmp_path, keys, monkeypatch):
    unsigned = packed(tmp_path / "unsigned")
    monkeypatch.setenv("FCKD_PUBLIC_KEY", str(keys[1]))
    for load in (read_student, load_student, lambda folder: _load_pyfunc(str(folder))):
        with pytest.raises(UserError, match="is not signed"):
            load(unsigned)


def test_the_signature_of_another_key_is_refused(signed, tmp_path):
    _, other = key_pair(tmp_path, "other")
    with pytest.raises(UserError, match="is not this key's for these files"):
        load_student(signed, public_key=other)


def test_a_signature_replayed_onto_another_student_is_refused(signed, keys, tmp_path):
    other = packed(tmp_path / "other", seed=5)
    shutil.copyfile(signed / SIGNATURE, other / SIGNATURE)
    with pytest.raises(UserError, match="is not this key's for these files"):
        load_student(other, public_key=keys[1])


def test_new_sums_do_not_keep_an_old_signature(signed, keys):
    card = signed / "card.json"
    card.write_text(card.read_text().replace('"demo"', '"better"'))
    write_sums(signed)
    assert load_student(signed).card.name == "better"
    with pytest.raises(UserError, match="is not this key's for these files"):
        load_student(signed, public_key=keys[1])


def test_openssl_agrees(signed, keys):
    command = ["openssl", "pkeyutl", "-verify", "-pubin", "-inkey", keys[1], "-rawin"]
    subprocess.run(
        [*command, "-in", signed / SUMS, "-sigfile", signed / SIGNATURE],
        check=True,
        capture_output=True,
    )


def test_a_pair_made_by_openssl_signs(tmp_path, monkeypatch):
    private, public = tmp_path / "private.pem", tmp_path / "public.pem"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", private], check=True)
    subprocess.run(["openssl", "pkey", "-in", private, "-pubout", "-out", public], check=True)
    monkeypatch.setenv("FCKD_SIGNING_KEY", str(private))
    assert load_student(packed(tmp_path / "student"), public_key=public).card.name == "demo"


@pytest.mark.parametrize("content", [b"", b"hello", b"\xff"])
def test_a_file_that_is_no_key_is_refused(tmp_path, signed, content, monkeypatch):
    (tmp_path / "wrong.pem").write_bytes(content)
    monkeypatch.setenv("FCKD_SIGNING_KEY", str(tmp_path / "wrong.pem"))
    with pytest.raises(UserError, match="holds no such key"):
        packed(tmp_path / "student")
    assert not (tmp_path / "student").exists()
    with pytest.raises(UserError, match="holds no such key"):
        load_student(signed, public_key=tmp_path / "wrong.pem")


def test_a_key_of_another_kind_is_refused(tmp_path, signed):
    private, public = tmp_path / "rsa.pem", tmp_path / "rsa.pub"
    subprocess.run(["openssl", "genrsa", "-out", private, "2048"], check=True, capture_output=True)
    subprocess.run(
        ["openssl", "pkey", "-in", private, "-pubout", "-out", public],
        check=True,
        capture_output=True,
    )
    with pytest.raises(UserError, match="Ed25519"):
        load_student(signed, public_key=public)


def test_an_absent_key_is_refused(tmp_path, signed):
    with pytest.raises(UserError, match="cannot be read"):
        load_student(signed, public_key=tmp_path / "absent.pem")
