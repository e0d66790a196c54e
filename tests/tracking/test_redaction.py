"""What is told in words, such as the error of a server, keeps no secret of an address in it."""

import pytest

from fckd.tracking.redaction import redact_text


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("postgresql://h/db?sslpassword=hunter2", "postgresql://h/db?sslpassword=***"),
        ("http://hunter2@h:5000", "http://***@h:5000"),
        ("http://h/?token=hunter2", "http://h/?token=***"),
        ("http://h/?user=me&api_key=hunter2&page=3", "http://h/?user=me&api_key=***&page=3"),
        ("http://me:hunter2/2@h/a", "http://***@h/a"),
        ("http://me:my?hunter2@h", "http://***"),
    ],
)
def test_a_secret_is_hidden_in_every_address_of_a_text(told, kept):
    assert redact_text(f"lost {told} and {told} again") == f"lost {kept} and {kept} again"


@pytest.mark.parametrize(
    "told",
    [
        "http://h/?tokens=12",
        "sqlite:////home/me@lab/mlflow.db",
        "models:/wrist@champion",
        "a@b",
        "s3://bucket/runs@v2/x",
        "file:///home/me@lab/a",
    ],
)
def test_what_is_no_secret_stays_readable(told):
    assert redact_text(told) == told
