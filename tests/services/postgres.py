"""A real PostgreSQL on a free port of the loopback, which asks for a password."""

import os
import shutil
import socket
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg2
import pytest

USER, PASSWORD = "fckd", "canary-ledger-91d3c07a55e2"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
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
    """

    port: int
    folder: Path
    programs: Path

    def url(self, name: str, password: str | None = PASSWORD) -> str:
        """Return the address of one of its databases, with the password unless it is None."""
        secret = "" if password is None else f":{password}"
        return f"postgresql+psycopg2://{USER}{secret}@127.0.0.1:{self.port}/{name}"

    def create(self, template: str = "template1") -> str:
        """Make a database and return its name."""
        name = f"d{uuid.uuid4().hex[:12]}"
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    def execute(self, statement: str) -> list[tuple]:
        """Run one statement as the owner."""
        connection = psycopg2.connect(
            host="127.0.0.1", port=self.port, user=USER, password=PASSWORD, dbname="postgres"
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
        run(str(self.programs / "pg_ctl"), verb, "-w", "-D", str(self.folder), *words)


@contextmanager
def postgres() -> Iterator[Database]:
    """Run a server that keeps its data in a temporary folder; skip where none is installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not found:
        pytest.skip("PostgreSQL is not installed: apt-get install postgresql")
    programs = found[-1].parent
    # Not below pytest's folder, which only its own user may enter.
    place = Path(tempfile.mkdtemp(prefix="fckd-postgres-"))
    (place / "password").write_text(PASSWORD)
    if os.getuid() == 0:
        for path in (place, place / "password"):
            shutil.chown(path, "postgres")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    database = Database(port, place / "data", programs)
    try:
        words = ("-U", USER, "-A", "scram-sha-256", f"--pwfile={place / 'password'}", "--no-sync")
        run(str(programs / "initdb"), "-D", str(database.folder), *words)
        with (place / "data" / "postgresql.conf").open("a") as settings:
            settings.writelines(f"{name} = '{value}'\n" for name, value in SETTINGS.items())
        database.start()
        try:
            yield database
        finally:
            database.stop()
    finally:
        shutil.rmtree(place)


def run(*command: str) -> None:
    """Run a program as a user other than root, as whom PostgreSQL refuses to run."""
    as_user = ("runuser", "-u", "postgres", "--") if os.getuid() == 0 else ()
    # No pipes: the server that pg_ctl leaves behind would keep them open.
    subprocess.run(
        [*as_user, *command],
        check=True,
        cwd="/",
        timeout=120,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
