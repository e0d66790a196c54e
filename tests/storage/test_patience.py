"""What passes by itself is waited for; what a person must mend is told at once."""

import time

import pytest

from fckd.errors import Halted, UserError
from fckd.storage import bucket as limits
from fckd.storage.bucket import Bucket
from tests.storage.unsteady import CONTENT, breaks_off, hangs_up, refuses, unsteady

BAD = 4
"""Moments, one after the other: longer than boto3 itself is patient."""


@pytest.fixture
def service(monkeypatch):
    with unsteady() as server:
        known = {
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{server.server_port}",
            "AWS_REGION": "us-east-1",
            "AWS_ACCESS_KEY_ID": "AKIDTESTACCOUNT",
            "AWS_SECRET_ACCESS_KEY": "secret",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/dev/null",
            "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
            # so that every repetition is ours: boto3's own, within moments, are its own affair
            "AWS_MAX_ATTEMPTS": "1",
        }
        for name, value in known.items():
            monkeypatch.setenv(name, value)
        for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN"):
            monkeypatch.delenv(name, raising=False)
        yield server


@pytest.fixture
def bucket(service, monkeypatch):
    """A bucket that has answered before."""
    monkeypatch.setattr(limits, "FIRST_PAUSE", 0.02)
    made = Bucket("bucket")
    assert made.read("key") == CONTENT
    service.asked = 0
    return made


@pytest.fixture
def impatient(monkeypatch):
    monkeypatch.setattr(limits, "PATIENCE_SECONDS", 1.0)


MOMENTS = pytest.mark.parametrize(
    "moment",
    [
        pytest.param(hangs_up, id="no answer"),
        pytest.param(refuses(500, "InternalError"), id="500"),
        pytest.param(refuses(503, "SlowDown"), id="throttled"),
        pytest.param(refuses(400, "RequestTimeout"), id="too slow"),
        pytest.param(breaks_off, id="broken body"),
    ],
)


@MOMENTS
def test_a_small_object_is_read_after_bad_moments(bucket, service, moment):
    service.moments = BAD * [moment]
    assert bucket.read("key") == CONTENT


@MOMENTS
def test_a_runs_file_is_taken_whole_after_bad_moments(bucket, service, tmp_path, moment):
    service.moments = BAD * [moment]
    bucket.take("key", tmp_path / "file")
    assert (tmp_path / "file").read_bytes() == CONTENT


def test_a_runs_file_is_sent_whole_after_bad_moments(bucket, service, tmp_path):
    (tmp_path / "file").write_bytes(CONTENT)
    service.moments = BAD * [refuses(500, "InternalError")]
    bucket.replace(tmp_path / "file", "key")
    assert CONTENT in service.put


def test_what_does_not_pass_is_told_in_the_end(bucket, service, impatient):
    service.moments = 100 * [hangs_up]
    with pytest.raises(Halted, match=r"no S3 service answers at 127\.0\.0\.1"):
        bucket.size("key")
    assert service.asked > BAD


def test_a_transfer_that_breaks_off_late_is_repeated_for_as_long(bucket, service, monkeypatch):
    """Long transfers break off the likeliest: the time counts from the first failure."""
    monkeypatch.setattr(limits, "PATIENCE_SECONDS", 0.3)

    def breaks_off_late(request):
        time.sleep(0.4)
        breaks_off(request)

    service.moments = [breaks_off_late]
    assert bucket.read("key") == CONTENT


def test_a_bucket_that_answered_another_process_is_waited_for(service, monkeypatch):
    monkeypatch.setattr(limits, "FIRST_SECONDS", 0.0)
    monkeypatch.setattr(limits, "FIRST_PAUSE", 0.02)
    service.moments = BAD * [hangs_up]
    assert Bucket("bucket", answered=True).read("key") == CONTENT


def test_a_bucket_that_never_answered_is_not_waited_for_as_long(service):
    service.moments = 100 * [hangs_up]
    before = time.monotonic()
    with pytest.raises(UserError, match="no S3 service answers"):
        Bucket("bucket").read("key")
    assert time.monotonic() - before < 2 * limits.FIRST_SECONDS


@pytest.mark.parametrize(
    ("status", "code"), [(403, "AccessDenied"), (404, "NoSuchBucket"), (400, "ExpiredToken")]
)
def test_what_a_person_must_mend_is_not_repeated(bucket, service, status, code):
    service.moments = [refuses(status, code)] * 2
    with pytest.raises(UserError) as told:
        bucket.read("key")
    assert not isinstance(told.value, Halted)
    assert service.asked == 1


def test_who_waits_is_told_why_once(bucket, service, caplog):
    service.moments = BAD * [hangs_up]
    assert bucket.read("key") == CONTENT
    (told,) = caplog.messages
    assert "s3://bucket/key: no S3 service answers" in told


def test_a_head_without_a_reason_is_told_as_credentials_that_may_have_expired(bucket, service):
    service.moments = [refuses(400, "ExpiredToken")]
    with pytest.raises(UserError, match=r"credentials may have expired(.|\n)*AWS_SESSION_TOKEN"):
        bucket.size("key")
