"""A real PostgreSQL on a free port of the loopback, or of a host, which asks for a password."""

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2
import pytest

from tests.ports import free_port

USER, PASSWORD = "fckd", "canary-ledger-91d3c07a55e2"
LOOPBACK = "127.0.0.1"
SETTINGS = {
    "unix_socket_directories": "",
    # tests leave their connections to the end of the process
    "max_connections": "500",
    # processes die in these tests, machines do not
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
}


@dataclass(frozen=True)
class Database:
    """A server.

    Attributes:
        port: Of it.
        folder: Its data.
        programs: Of PostgreSQL.
        address: On which it listens.
        within: Words before a command that make it one of the server's host.
    """

    port: int
    folder: Path
    programs: Path
    address: str = LOOPBACK
    within: tuple[str, ...] = ()

    def url(self, name: str, password: str | None = PASSWORD) -> str:
        """Return the address of one of its databases, with the password unless it is None."""
        secret = "" if password is None else f":{password}"
        return f"postgresql+psycopg2://{USER}{secret}@{self.address}:{self.port}/{name}"

    def create(self, template: str = "template1") -> str:
        """Make a database and return its name."""
        name = f"d{uuid.uuid4().hex[:12]}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def execute(self, statement: str) -> list[tuple]:
        """Run one statement as the owner."""
        connection = psycopg2.connect(
            host=self.address, port=self.port, user=USER, password=PASSWORD, dbname="postgres"
        )
        try:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(statement)
                return cursor.fetchall() if cursor.description else []
        finally:
            connection.close()

    def start(self) -> None:
        log = self.folder.parent / "log"
        self.control("start", "-l", str(log), "-o", f"-p {self.port}")

    def stop(self) -> None:
        """Cut every connection and stop."""
        self.control("stop", "-m", "immediate")

    def control(self, verb: str, *words: str) -> None:
        pg_ctl = str(self.programs / "pg_ctl")
        run(pg_ctl, verb, "-w", "-D", str(self.folder), *words, within=self.within)


@contextmanager
def postgres(address: str = LOOPBACK, within: tuple[str, ...] = ()) -> Iterator[Database]:
    """Run a server that keeps its data in a temporary folder; skip where none is installed.

    Args:
        address: On which it listens.
        within: Words before a command that make it one of another host.
    """
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    programs = found[-1].parent
    # Neither pytest's folder nor the caller's TMPDIR need be one that another user may enter.
    place = Path(tempfile.mkdtemp(prefix="fckd-postgres-", dir="/tmp"))
    (place / "password").write_text(PASSWORD)
    if os.getuid() == 0:
        for path in (place, place / "password"):
            shutil.chown(path, "postgres")
    database = Database(free_port(), place / "data", programs, address, within)
    try:
        words = ("-U", USER, "-A", "scram-sha-256", f"--pwfile={place / 'password'}", "--no-sync")
        same = ("--no-locale", "--encoding=UTF8")  # whatever the caller's language
        run(str(programs / "initdb"), "-D", str(database.folder), *words, *same)
        with (place / "data" / "postgresql.conf").open("a") as settings:
            known = SETTINGS | {"listen_addresses": address}
            settings.writelines(f"{name} = '{value}'\n" for name, value in known.items())
        with (place / "data" / "pg_hba.conf").open("a") as clients:
            clients.write("host all all samenet scram-sha-256\n")
        database.start()
        try:
            yield database
        finally:
            database.stop()
    finally:
        shutil.rmtree(place)


def run(*command: str, within: tuple[str, ...] = ()) -> None:
    """Run a program as a user other than root, as whom PostgreSQL refuses to run."""
    as_user = ("runuser", "-u", "postgres", "--") if os.getuid() == 0 else ()
    # No pipes: the server that pg_ctl leaves behind would keep them open.
    with tempfile.TemporaryFile() as said:
        ran = subprocess.run(
            [*within, *as_user, *command],
            check=False,
            cwd="/",
            timeout=300,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
        said.seek(0)
        told = said.read().decode(errors="replace")
        assert ran.returncode == 0, f"{' '.join(command)}\n{told}"
