"""A shelf in S3: immutable folders, each named by a fingerprint of what it was made from.

On the shelf an artefact `corpora/NAME` is the objects `corpora/NAME/FILE.SUM` and, written last,
`corpora/NAME.json`, which lists them: without that list there is no artefact. Nothing is ever
overwritten. Of two machines that make the same artefact at the same time, the first to finish
decides which bytes it has, and the other takes these.
"""

import shutil
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from pydantic import ValidationError

from fckd.errors import UserError
from fckd.files import make_folder
from fckd.storage.address import Address
from fckd.storage.bucket import TRANSFERS, Bucket
from fckd.storage.cache import FOLDER, Cache, cache_limit, cache_root, remove
from fckd.storage.sums import FileSum, Sums

LIST = ".json"
PROBE = "doctor.txt"
PROBE_CONTENT = b"fckd doctor was here\n"
"""Always the same: the object is left there, for the account need not be allowed to delete."""


class Shelf:
    """Artefacts of one S3 address, used through folders of this machine.

    Args:
        address: Where in S3.
        cache: Where on this machine.
        answered: Whether S3 has answered there, perhaps to another process.
    """

    def __init__(self, address: Address, cache: Cache, *, answered: bool = False) -> None:
        self.address = address
        self.folder = address.folder_in(cache.root)
        self.bucket = Bucket(address.bucket, answered=answered)
        self._cache = cache

    def fetch(self, folder: Path) -> bool:
        """Bring an artefact to this machine if it is not there yet; return whether it is now.

        It stays at least as long as this shelf is kept. Many processes may ask: one fetches.

        Args:
            folder: Where it belongs, below the shelf's `folder`.

        Raises:
            UserError: S3 does not answer, refuses, or holds a damaged copy; or the disk is full.
        """
        self._cache.hold(folder)
        if folder.exists():
            return True
        with self._cache.alone(folder):
            if folder.exists():
                return True
            sums = self._listed(folder)
            if sums is None:
                self._cache.forget(folder)
                return False
            self._take(folder, sums)
            return True

    def publish(self, folder: Path) -> None:
        """Put a whole artefact on the shelf, unless it is there; a repetition does no harm.

        If another machine was faster with other bytes, its copy takes the place of this one:
        everything that is made from the artefact is then the same everywhere.

        Raises:
            UserError: S3 does not answer or refuses. The artefact stays on this machine, and the
                next attempt goes on where this one ended.
        """
        self._cache.hold(folder)
        with self._cache.alone(folder):
            listed, ours = self._listed(folder), self._cache.sums(folder) or Sums.of(folder)
            if listed is None:
                self._put(folder, ours)
                listed = self._listed(folder)
            if listed is not None and listed != ours:
                self._take(folder, listed)
            self._cache.note(folder, ours if listed is None else listed)
        self._cache.make_room(0)

    def names(self, kind: str) -> list[str]:
        """Return the names of all artefacts below `kind`, such as `corpora`."""
        keys = self.bucket.keys(self.address.key(f"{kind}/"))
        return [key.rpartition("/")[2].removesuffix(LIST) for key in keys if key.endswith(LIST)]

    def _listed(self, folder: Path) -> Sums | None:
        key = self._key(folder) + LIST
        content = self.bucket.read(key)
        try:
            return None if content is None else Sums.model_validate_json(content)
        except ValidationError as refusal:
            first = refusal.errors(include_url=False)[0]
            raise self._damaged(folder, f"its list says {first['msg']}") from refusal

    def _put(self, folder: Path, sums: Sums) -> None:
        def put(name: str) -> None:
            key = f"{self._key(folder)}/{sums.object_name(name)}"
            if self.bucket.size(key) != sums.files[name].bytes:
                self.bucket.upload(folder / name, key)

        _at_once(put, sums.files)
        self.bucket.create(self._key(folder) + LIST, sums.model_dump_json().encode())

    def _take(self, folder: Path, sums: Sums) -> None:
        """Fetch every file, check it, and rename the whole into place."""
        self._cache.make_room(sums.bytes)
        # One name only, under a lock: what a killed process left is not kept beside it for ever.
        unfinished = folder.with_name(f".{folder.name}.fetched")

        def take(name: str) -> None:
            key = f"{self._key(folder)}/{sums.object_name(name)}"
            self.bucket.download(key, unfinished / name)
            if FileSum.of(unfinished / name) != sums.files[name]:
                raise self._damaged(folder, f"{name} is not what its list says")

        shutil.rmtree(unfinished, ignore_errors=True)
        make_folder(unfinished)
        try:
            with _disk(folder):
                _at_once(take, sums.files)
                if folder.exists():
                    remove(folder)
                unfinished.rename(folder)
        finally:
            shutil.rmtree(unfinished, ignore_errors=True)
        self._cache.note(folder, sums)

    def _key(self, folder: Path) -> str:
        return self.address.key(folder.relative_to(self.folder).as_posix())

    def _damaged(self, folder: Path, what: str) -> UserError:
        place = f"s3://{self.address.bucket}/{self._key(folder)}"
        return UserError(
            f"{place}: {what}",
            "the bytes that were put there",
            f"delete {place}{LIST} and everything below {place}/, then run again: it is made anew",
        )


def proved(storage: str) -> str:
    """Write a small object where a campaign's storage in S3 is, read it, and return what was done.

    Raises:
        UserError: S3 does not answer, refuses, or gives back something else.
    """
    address = Address.parse(storage)
    if address is None:
        return "not used: the storage is a folder"
    bucket, key = Bucket(address.bucket), address.key(PROBE)
    bucket.create(key, PROBE_CONTENT)
    if bucket.read(key) != PROBE_CONTENT:
        raise UserError(
            f"s3://{address.bucket}/{key} is not what was written there",
            "an S3 service that gives back what it was given",
            "look into the service, or choose another prefix",
        )
    return f"{address} can be written and read"


def open_shelf(storage: str, *, answered: bool = False) -> Shelf | None:
    """Return the shelf that a campaign's `storage` names, or None if it names a folder.

    Nothing is asked of S3 yet.

    Args:
        storage: A folder or an address.
        answered: Whether S3 has answered there, perhaps to another process.

    Raises:
        UserError: No valid address.
    """
    address = Address.parse(storage)
    if address is None:
        return None
    return Shelf(address, Cache(cache_root(), cache_limit()), answered=answered)


def storage_folder(storage: str) -> Path:
    """Return the absolute folder of this machine in which a campaign's artefacts lie.

    Raises:
        UserError: No valid address.
    """
    address = Address.parse(storage)
    if address is None:
        return Path(storage).expanduser().resolve()
    return address.folder_in(cache_root())


def _at_once(transfer: Callable[[str], None], names: Iterable[str]) -> None:
    """Transfer several files at a time; after the first failure no further one is begun."""
    pool = ThreadPoolExecutor(TRANSFERS)
    try:
        for _ in pool.map(transfer, names):
            pass
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _disk(folder: Path) -> Iterator[None]:
    try:
        yield
    except OSError as refusal:
        raise UserError(
            f"cannot write to {folder.parent}: {refusal.strerror or refusal}",
            "a disk with room for the artefacts of a campaign",
            f"make room there, or set {FOLDER} to a folder on a larger disk",
        ) from refusal
