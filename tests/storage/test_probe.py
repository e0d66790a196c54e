"""What `fckd doctor` finds out about S3: by a write and a read, not by looking at variables."""

import pytest

from fckd.errors import UserError
from fckd.storage.shelf import proved
from tests.storage.server import BUCKET

pytestmark = pytest.mark.service


def test_a_service_that_keeps_what_it_is_given_is_fit_again_and_again(place):
    for _ in range(2):
        assert proved(place) == f"{place} can be written and read"


def test_an_object_that_is_not_ours_is_told(place, server):
    prefix = place.removeprefix(f"s3://{BUCKET}/")
    server.client.put_object(Bucket=BUCKET, Key=f"{prefix}/doctor.txt", Body=b"something else")
    with pytest.raises(UserError, match="is not what was written there"):
        proved(place)


def test_a_bucket_that_is_not_there_is_told(s3):
    with pytest.raises(UserError, match="no such bucket"):
        proved("s3://nowhere/at-all")


def test_wrong_credentials_are_told_and_not_repeated(place, monkeypatch):
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hunter2hunter2")
    with pytest.raises(UserError, match="does not accept the credentials") as refusal:
        proved(place)
    assert "hunter2" not in str(refusal.value)


def test_a_folder_needs_no_service(tmp_path):
    assert "not used" in proved(str(tmp_path))
