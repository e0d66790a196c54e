"""The local side of a shelf: who uses which artefact, and what gives way when the disk is full.

Artefacts lie where they would without a shelf; what is noted about them lies in `.artefacts`. A
process that has asked for an artefact holds a shared lock on it for as long as it keeps the cache
open, from before the artefact is there: nobody can take it away between fetching and opening it,
and the lock of a process that was killed is gone with it.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from filelock import FileLock
from pydantic import ValidationError

from fckd.config.base import Configuration
from fckd.errors import UserError
from fckd.files import fingerprint, make_folder, write_json
from fckd.storage.sums import Sums

FOLDER, LIMIT = "FCKD_CACHE", "FCKD_CACHE_BYTES"
"""Environment variables."""
NOTES = ".artefacts"


def cache_root() -> Path:
    """Return the folder of all caches: FCKD_CACHE, else `fckd` in the user's cache folder."""
    given = os.environ.get(FOLDER)
    if given:
        return Path(given).expanduser().resolve()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser().resolve() / "fckd"


def cache_limit() -> int | None:
    """Return FCKD_CACHE_BYTES, or None if there is no limit.

    Raises:
        UserError: It is not a positive whole number.
    """
    given = os.environ.get(LIMIT)
    if not given:
        return None
    if not given.isdecimal() or int(given) == 0:
        raise UserError(
            f"{LIMIT}={given}",
            "a positive whole number of bytes, such as 200000000000 for 200 GB",
            f"correct {LIMIT}, or unset it to keep everything",
        )
    return int(given)


class Note(Configuration):
    """What is known of an artefact that is on the shelf too."""

    folder: str
    sums: Sums


@dataclass(frozen=True)
class _Kept:
    place: Path
    note: Path
    lease: Path
    bytes: int


class Cache:
    """Artefacts of one or several shelves in a folder of this machine.

    Args:
        root: The folder.
        limit: Bytes that artefacts may take together; None if as many as there are. Those in use,
            and those that are on no shelf, stay even beyond it.
    """

    def __init__(self, root: Path, limit: int | None) -> None:
        self.root, self.limit = root, limit
        self._notes = root / NOTES
        self._leases: dict[Path, IO[bytes]] = {}

    def hold(self, folder: Path) -> None:
        """Keep `folder`, or what will be there, until this cache is let go."""
        path = self._beside(folder, "lease")
        if path not in self._leases:
            make_folder(self._notes)
            # NFS grants a shared lock only to who may read, and an exclusive one to who may write
            stream = path.open("a+b")
            fcntl.flock(stream, fcntl.LOCK_SH)
            self._leases[path] = stream
        # the order of giving way is that of the last use
        os.utime(path)

    def alone(self, folder: Path) -> AbstractContextManager[object]:
        """Return the lock under which one process of this machine fetches or publishes."""
        make_folder(self._notes)
        return FileLock(self._beside(folder, "lock"))

    def sums(self, folder: Path) -> Sums | None:
        """Return what was noted of `folder`, if it is known to be on the shelf."""
        note = _read(self._beside(folder, "json"))
        return None if note is None else note.sums

    def note(self, folder: Path, sums: Sums) -> None:
        """Note that `folder` is on the shelf: from now on it may give way."""
        note = Note(folder=str(folder.relative_to(self.root)), sums=sums)
        write_json(self._beside(folder, "json"), note.model_dump(mode="json"))

    def forget(self, folder: Path) -> None:
        """Forget what was noted of `folder`: it is about to be made anew."""
        self._beside(folder, "json").unlink(missing_ok=True)

    def make_room(self, wanted: int) -> None:
        """Delete what was not used for longest, until `wanted` bytes fit into the limit."""
        if self.limit is None:
            return
        make_folder(self._notes)
        with FileLock(self._notes / "room.lock"):
            kept = sorted(self._kept(), key=lambda each: each.lease.stat().st_mtime)
            total = wanted + sum(each.bytes for each in kept)
            for each in kept:
                if total > self.limit and _gave_way(each):
                    total -= each.bytes

    def _kept(self) -> Iterator[_Kept]:
        for path in self._notes.glob("*.json"):
            note = _read(path)
            if note is not None and (self.root / note.folder).exists():
                lease = path.with_suffix(".lease")
                yield _Kept(self.root / note.folder, path, lease, note.sums.bytes)

    def _beside(self, folder: Path, kind: str) -> Path:
        return self._notes / f"{fingerprint(str(folder.relative_to(self.root)))}.{kind}"


def remove(folder: Path) -> None:
    """Delete a whole artefact: nobody sees a part of it."""
    trash = folder.with_name(f".{folder.name}.removed")
    shutil.rmtree(trash, ignore_errors=True)
    folder.rename(trash)
    shutil.rmtree(trash)


def _read(note: Path) -> Note | None:
    """Return a note, or None if there is none that can be read: then sums are computed again."""
    try:
        return Note.model_validate_json(note.read_bytes())
    except (FileNotFoundError, ValidationError):
        return None


def _gave_way(kept: _Kept) -> bool:
    with _not_in_use(kept.lease) as free:
        if free:
            kept.note.unlink()
            remove(kept.place)
        return free


@contextmanager
def _not_in_use(lease: Path) -> Iterator[bool]:
    """Yield whether nobody holds the artefact; nobody can take hold of it in the block."""
    with lease.open("a+b") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True
