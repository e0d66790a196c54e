"""Files of a run, which change: in a folder of this machine, and in S3 for all others.

Each is one object, which S3 replaces as a whole, with the SHA-256 of its content among its
metadata. What is in S3 counts: an older file of this machine gives way to it.
"""

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fckd.errors import StorageLost, UserError
from fckd.files import make_folder, sha256_of_file
from fckd.storage.address import Address
from fckd.storage.bucket import Bucket


class Copies:
    """The files below an S3 address, used through a folder of this machine.

    Every method raises `StorageLost` if S3 does not answer, refuses, or holds a damaged copy.

    Args:
        address: Where in S3.
        folder: What stands for it on this machine.
        bucket: Of the address.
    """

    def __init__(self, address: Address, folder: Path, bucket: Bucket) -> None:
        self._address, self._folder, self._bucket = address, folder, bucket

    def bring(self, file: Path) -> bool:
        """Make `file` what it is in S3, and return whether it is there now.

        One that S3 never had, because its writer died before it was sent, is sent.
        """
        key = self._key(file)
        with storage_lost():
            there = self._bucket.sum_of(key)
            if there is None and file.exists():
                self._bucket.replace(file, key)
            elif there == "":
                file.unlink(missing_ok=True)
            elif there is not None and not (file.exists() and sha256_of_file(file) == there):
                self._take(key, file)
        return file.exists()

    def take_all(self, folder: Path, beginning: str) -> None:
        """Make every file of `folder` that is in S3, and whose name begins so, what it is there."""
        with storage_lost():
            keys = [*self._bucket.keys(f"{self._key(folder)}/{beginning}")]
        for key in keys:
            self.bring(folder / key.rpartition("/")[2])

    def send(self, file: Path) -> None:
        """Put `file` into S3, in place of what is there."""
        with storage_lost():
            self._bucket.replace(file, self._key(file))

    def drop(self, file: Path) -> None:
        """Be rid of `file`, here and for all others.

        An empty object is left: the account need not be allowed to delete.
        """
        file.unlink(missing_ok=True)
        with storage_lost():
            self._bucket.clear(self._key(file))

    def _take(self, key: str, file: Path) -> None:
        make_folder(file.parent)
        unfinished = file.with_name(f".{file.name}.{uuid.uuid4().hex[:8]}.partial")
        try:
            expected = self._bucket.take(key, unfinished)
            if sha256_of_file(unfinished) != expected:
                raise UserError(
                    f"s3://{self._address.bucket}/{key} is not what was put there",
                    f"the SHA-256 {expected}",
                    "delete it: the run that it is of begins again",
                )
            unfinished.replace(file)
        finally:
            unfinished.unlink(missing_ok=True)

    def _key(self, file: Path) -> str:
        return self._address.key(file.relative_to(self._folder).as_posix())


@contextmanager
def storage_lost() -> Iterator[None]:
    """Let what S3 refuses be told from mistakes that another attempt would repeat."""
    try:
        yield
    except UserError as refusal:
        raise StorageLost(refusal.given, refusal.expected, refusal.remedy) from refusal
