"""Addresses of services: what may be shown of them, and which are files."""

from pathlib import Path

import pytest

from fckd.config.addresses import holds_password, shown, sqlite_file


@pytest.mark.parametrize(
    ("address", "remains"),
    [
        ("postgresql://h/db?sslpassword=hunter2", "postgresql://h/db"),
        ("postgresql://me:hunter2@h:5432/db?sslmode=require", "postgresql://h:5432/db"),
        ("http://hunter2@h:5000", "http://h:5000"),
        ("http://h/?token=hunter2", "http://h/"),
        ("http://me:hunter2/2@h", "http://h"),
        ("me:hunter2@h:5000", "h:5000"),
    ],
)
def test_of_an_address_neither_who_asks_nor_a_secret_is_shown(address, remains):
    assert shown(address) == remains


@pytest.mark.parametrize("address", ["http://me:my?hunter2@h", "http://h?password=my@hunter2"])
def test_nothing_is_shown_where_nobody_can_say_what_the_secret_is(address):
    assert shown(address) == "http://…"


@pytest.mark.parametrize(
    "place",
    [
        "sqlite:////home/me@lab/mlflow.db",
        "/home/me@lab/mlruns",
        "file:///home/me@lab/mlruns",
        "s3://bucket/runs@v2/x",
    ],
)
def test_a_path_is_shown_as_it_is_for_nobody_is_asked_who_he_is(place):
    assert shown(place) == place


def test_the_file_of_a_sqlite_address_is_what_stands_before_its_question_mark():
    assert sqlite_file("sqlite:////data/mlflow.db?timeout=60") == Path("/data/mlflow.db")
    assert sqlite_file("sqlite:///mlflow.db") == Path("mlflow.db")


def test_another_address_is_no_file():
    assert sqlite_file("postgresql://h/db") is None


@pytest.mark.parametrize(
    "address", ["http://me:hunter2@h", "postgresql://h/db?sslpassword=a", "http://h/?token=a"]
)
def test_an_address_with_a_secret_is_known_as_one(address):
    assert holds_password(address)


def test_a_user_alone_is_no_password():
    assert not holds_password("postgresql+psycopg2://me@db.example:5432/fckd")
