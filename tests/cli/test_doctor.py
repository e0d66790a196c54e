"""`fckd doctor` where nothing works: every check says so, and none ends the others."""

from importlib.metadata import version

import pytest

from fckd.cli.doctor import _versions
from tests.cli.command import fckd


@pytest.mark.ray
def test_a_storage_that_cannot_be_made_is_told_by_every_check_that_needs_it(tmp_path):
    (tmp_path / "file").touch()
    ran = fckd("doctor", "--storage", tmp_path / "file" / "storage")
    assert ran.code == 1
    marks = [line.partition(":")[0] for line in ran.out.splitlines() if line[:1].strip()]
    assert marks == [
        "ok    versions", "wrong storage", "ok    S3", "wrong free disk",
        "ok    devices", "wrong ledger", "wrong MLflow", "wrong Ray",
    ]  # fmt: skip
    assert "NotADirectoryError" in ran.out


def test_which_fckd_this_is_comes_first_of_all_versions():
    assert _versions().startswith(f"fckd {version('fckd')}, python ")
