"""Where a campaign keeps its artefacts: a folder, or a place in S3."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from fckd.errors import UserError

SCHEME = "s3://"

_ADDRESS = re.compile(
    r"s3://(?P<bucket>[a-z0-9][a-z0-9.-]{1,61}[a-z0-9])"
    # no part begins with a dot: the cache has a folder of each
    r"(?P<prefix>(/[A-Za-z0-9_=-][A-Za-z0-9._=-]*)*)/?"
)
_ANY_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:/")


@dataclass(frozen=True)
class Address:
    """`s3://BUCKET/PREFIX`; the prefix may be empty."""

    bucket: str
    prefix: str

    @classmethod
    def parse(cls, given: str) -> Self | None:
        """Return the address that `given` is, or None if it names a folder.

        Raises:
            UserError: An address of another kind, or one that is not valid.
        """
        if not _ANY_SCHEME.match(given):
            return None
        found = _ADDRESS.fullmatch(given)
        if found is None:
            # what stands before an @ may be a password
            shown = "an address with an @ in it" if "@" in given else given
            raise UserError(
                f"storage: {shown}",
                "a folder, or s3://BUCKET/PREFIX: a bucket of 3 to 63 lower-case letters, digits, "
                "- and . inside, a prefix of letters, digits, - _ = and . inside names",
                "write s3://BUCKET/PREFIX; endpoint and credentials belong into the environment "
                "(AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY)",
            )
        return cls(found["bucket"], found["prefix"].strip("/"))

    def __str__(self) -> str:
        return SCHEME + "/".join(filter(None, (self.bucket, self.prefix)))

    def key(self, below: str) -> str:
        """Return the key of the object `below` this address."""
        return f"{self.prefix}/{below}" if self.prefix else below

    def folder_in(self, cache: Path) -> Path:
        """Return the folder of `cache` that stands for this address."""
        return cache / self.bucket / self.prefix
