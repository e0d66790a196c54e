"""A student fetched from S3, where no registry is."""

import pytest

from fckd.errors import UserError
from fckd.registry.pull import pull
from fckd.storage.address import Address
from fckd.storage.bucket import Bucket
from tests.registry.students import packed
from tests.storage.conftest import place, s3, server  # noqa: F401  (fixtures)

pytestmark = pytest.mark.service
NOWHERE = "sqlite:////nowhere/mlflow.db"


def test_a_student_in_s3_is_fetched(place, tmp_path):  # noqa: F811
    student, address = packed(tmp_path / "student"), Address.parse(place)
    for file in student.iterdir():
        Bucket(address.bucket).upload(file, address.key(f"wrist/{file.name}"))
    pulled = pull(f"{place}/wrist", tmp_path / "out", NOWHERE)
    assert {file.name: file.read_bytes() for file in pulled.iterdir()} == {
        file.name: file.read_bytes() for file in student.iterdir()
    }


def test_what_is_not_in_s3_is_refused(place, tmp_path):  # noqa: F811
    with pytest.raises(UserError, match="is not a student"):
        pull(f"{place}/absent", tmp_path / "out", NOWHERE)
    assert not (tmp_path / "out").exists()
