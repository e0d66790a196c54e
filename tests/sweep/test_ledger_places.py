"""A ledger that a team shares: who may open it, and one driver for each sweep."""

import os
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import pytest
from optuna.storages import RDBStorage
from optuna.study import StudyDirection
from pydantic import SecretStr

from fckd.errors import UserError
from fckd.sweep.lease import Lease
from fckd.sweep.ledger_places import check_ledger, existing_ledger, open_ledger, shown
from tests.services.postgres import PASSWORD

SWEEP = "demo-01234567"


# Addresses


def refusal(url):
    with pytest.raises(UserError) as raised:
        check_ledger(SecretStr(url))
    message = str(raised.value)
    assert PASSWORD not in message
    return message


@pytest.mark.parametrize(
    "url",
    ["ledger.db", "sqlite:///ledger.db", f"mysql://me:{PASSWORD}@db/x", "postgresql://db", ""],
)
def test_what_is_no_postgresql_database_is_refused(url):
    assert "is not the address of a PostgreSQL database" in refusal(url)


def test_a_database_that_does_not_answer_is_named_without_the_password():
    message = refusal(f"postgresql://me:{PASSWORD}@127.0.0.1:9/fckd")
    assert "postgresql://127.0.0.1:9/fckd: " in message
    assert "refused" in message


def test_a_ledger_that_is_only_read_is_not_made(tmp_path):
    with pytest.raises(UserError, match="there is no ledger"):
        existing_ledger(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.fixture
def read_only(tmp_path):
    """Return a storage with an empty ledger, in which nothing can be written; root may all else."""
    folder = tmp_path / "storage"
    folder.mkdir()
    open_ledger(folder).create_new_study([StudyDirection.MAXIMIZE], SWEEP)
    (folder / "ledger.lock").unlink(missing_ok=True)
    mount = ["mount", "--bind", str(folder), str(folder)]
    if subprocess.run(mount, check=False, capture_output=True).returncode:
        pytest.skip("only root can mount a folder that cannot be written")
    subprocess.run(["mount", "-o", "remount,ro,bind", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "--lazy", str(folder)], check=True)


def test_who_may_only_read_a_storage_can_read_its_ledger(read_only):
    studies = existing_ledger(read_only).get_all_studies()
    assert [study.study_name for study in studies] == [SWEEP]
    assert [file.name for file in read_only.iterdir()] == ["ledger.db"]


@pytest.mark.service
def test_a_wrong_password_is_refused_and_not_repeated(database):
    url = database.url("postgres", password="wrong-4711")
    message = refusal(url)
    assert "password authentication failed" in message
    assert "wrong-4711" not in message


@pytest.mark.service
def test_the_password_may_come_from_the_environment(database, monkeypatch, tmp_path):
    monkeypatch.setenv("PGPASSWORD", PASSWORD)
    name = database.create()
    storage = open_ledger(tmp_path, SecretStr(database.url(name, password=None)))
    assert shown(storage) == f"postgresql://127.0.0.1:{database.port}/{name}"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.service
def test_many_may_open_an_empty_database_at_once(database, tmp_path):
    url = SecretStr(database.url(database.create()))
    with ThreadPoolExecutor(4) as pool:
        opened = list(pool.map(lambda _: open_ledger(tmp_path, url), range(4)))
    assert all(storage.get_all_studies() == [] for storage in opened)


@pytest.mark.service
def test_a_server_that_vanishes_is_noticed_within_a_minute(database, tmp_path):
    storage = open_ledger(tmp_path, SecretStr(database.url(database.create())))
    with storage.engine.connect() as connection:
        number = os.dup(connection.connection.driver_connection.fileno())
        with socket.socket(fileno=number) as way:
            idle, interval, count, unheard = (
                way.getsockopt(socket.IPPROTO_TCP, option)
                for option in (
                    socket.TCP_KEEPIDLE,
                    socket.TCP_KEEPINTVL,
                    socket.TCP_KEEPCNT,
                    socket.TCP_USER_TIMEOUT,
                )
            )
    assert idle + count * interval <= 60
    assert 0 < unheard <= 60_000  # milliseconds


# One driver


@pytest.fixture
def url(database, _empty_database):
    return database.url(database.create(_empty_database))


def ready(url):
    return RDBStorage(url, skip_compatibility_check=True, skip_table_creation=True)


@pytest.mark.service
def test_a_second_driver_of_a_sweep_is_refused_and_another_sweep_is_not(url):
    with Lease(ready(url), SWEEP):
        with pytest.raises(UserError, match="another process is running the sweep"):
            Lease(ready(url), SWEEP).__enter__()
        with Lease(ready(url), "other-01234567"):
            pass
    with Lease(ready(url), SWEEP):
        pass


DRIVER = """
import sys, time
from tests.sweep.test_ledger_places import *

with Lease(ready(sys.argv[1]), SWEEP):
    print("holds", flush=True)
    time.sleep(600)
"""


@pytest.mark.service
def test_a_killed_drivers_lease_frees_itself(url):
    with subprocess.Popen([sys.executable, "-c", DRIVER, url], stdout=subprocess.PIPE) as driver:
        try:
            assert driver.stdout.readline() == b"holds\n"
            with pytest.raises(UserError):
                Lease(ready(url), SWEEP).__enter__()
        finally:
            driver.kill()
    wait_for_connections(url, 0)
    with Lease(ready(url), SWEEP):
        pass


@pytest.mark.service
def test_a_lease_whose_connection_was_cut_is_taken_again(url):
    with Lease(ready(url), SWEEP) as lease:
        cut(url)
        assert lease.holds()
        with pytest.raises(UserError):
            Lease(ready(url), SWEEP).__enter__()


OVERTAKEN = """
import sys, time
from fckd.sweep import attendance
from fckd.sweep.control import Control
from tests.sweep.test_ledger_places import *

attendance.SIGN_SECONDS = 0.0
storage = ready(sys.argv[1])
with Lease(storage, SWEEP) as lease:
    control = Control.open(storage, SWEEP, {})
    there = attendance.Attendance(control, 1, print, lambda: 1, lease=lease)
    print("holds", flush=True)
    sys.stdin.readline()
    there.sign()
    print("still there", flush=True)
"""


@pytest.mark.service
def test_a_driver_that_was_overtaken_ends_before_it_writes_anything(url):
    words = [sys.executable, "-c", OVERTAKEN, url]
    pipes = dict.fromkeys(("stdin", "stdout", "stderr"), subprocess.PIPE)
    driver = subprocess.Popen(words, text=True, **pipes)
    assert driver.stdout.readline() == "holds\n"
    cut(url)
    with Lease(ready(url), SWEEP):
        said, complained = driver.communicate("go on\n", timeout=120)
    assert (driver.returncode, said) == (1, "")
    assert "another process drives this sweep now" in complained


def cut(url):
    """End every connection to a database, as a restart of the server does."""
    with ready(url).engine.connect() as connection:
        connection.exec_driver_sql(f"SELECT pg_terminate_backend(pid) FROM {_others(connection)}")


def wait_for_connections(url, others):
    """Wait until nobody else is connected: the server sees a dead client within moments."""
    with ready(url).engine.connect() as connection:
        for _ in range(300):
            found = connection.exec_driver_sql(f"SELECT count(*) FROM {_others(connection)}")
            if found.scalar() <= others:
                return
            connection.rollback()
            connection.exec_driver_sql("SELECT pg_sleep(0.1)")
    pytest.fail("a connection outlives its process")


def _others(connection):
    name = connection.engine.url.database
    return f"pg_stat_activity WHERE datname = '{name}' AND pid <> pg_backend_pid()"
