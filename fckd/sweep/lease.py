"""One driver for each sweep, also across machines: a lock that is held by a connection.

PostgreSQL frees an advisory lock when the connection ends, so that nobody has to clean up after a
driver that died. A connection pooler between the two must pool sessions, not transactions.
"""

import hashlib
from types import TracebackType
from typing import Self

from optuna.storages import RDBStorage
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError

from fckd.errors import UserError

SERVER = "postgresql"


def lock(connection: Connection, name: str) -> None:
    """Take the lock `name` as soon as it is free; it is held until `unlock` or the end."""
    connection.execute(text("SELECT pg_advisory_lock(:key)"), {"key": _key(name)})


def unlock(connection: Connection, name: str) -> None:
    """Give the lock `name` back."""
    connection.execute(text("SELECT pg_advisory_unlock(:key)"), {"key": _key(name)})


class Lease:
    """The right to drive a campaign, for as long as the block lasts.

    A ledger that is a file gives none: a lock on the campaign's folder does it there.

    Args:
        storage: The ledger.
        campaign: Its id.

    Raises:
        UserError: On entering: another process has it.
    """

    def __init__(self, storage: RDBStorage, campaign: str) -> None:
        self._campaign = campaign
        self._engine = storage.engine if storage.engine.name == SERVER else None
        self._connection: Connection | None = None

    def __enter__(self) -> Self:
        if not self.holds():
            raise UserError(
                f"another process is running the sweep {self._campaign}",
                "one driver for each sweep",
                f"see `fckd status {self._campaign}`; wait until it has ended, or end it",
            )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._drop()

    def holds(self) -> bool:
        """Return whether this process has the lease; what a cut connection has lost is taken again.

        Raises:
            DBAPIError: The database does not answer.
        """
        if self._engine is None:
            return True
        try:
            if self._connection is not None:
                self._connection.execute(text("SELECT 1"))
                return True
        except DBAPIError:
            self._drop()
        self._connection = self._engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        asked = text("SELECT pg_try_advisory_lock(:key)")
        taken = bool(self._connection.execute(asked, {"key": _key(self._campaign)}).scalar())
        if not taken:
            self._drop()
        return taken

    def _drop(self) -> None:
        if self._connection is not None:
            # Not back to the pool, where the lock would live on.
            self._connection.invalidate()
            self._connection.close()
            self._connection = None


def _key(name: str) -> int:
    """Return the 64 bits under which PostgreSQL knows a lock."""
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], signed=True)
