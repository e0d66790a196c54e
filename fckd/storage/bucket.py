"""The few things that are asked of a bucket."""

import logging
import os
import shutil
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

from fckd.errors import UserError
from fckd.files import sha256_of_file

CONNECT_SECONDS, READ_SECONDS = 5, 15
"""Of one of three attempts; boto3's own limit is a minute each."""
PATIENCE_SECONDS = 120.0
"""So long what may pass by itself is repeated: that no server answers, is busy, or breaks off."""
FIRST_SECONDS = 5.0
"""The same before a bucket has answered: perhaps a user waits whose address is wrong."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 10.0
"""Seconds between repetitions; each pause is twice the one before."""
PART_BYTES = 16 * 2**20
TRANSFERS = 4
"""Files at a time, and parts of a large file at a time."""
SUM = "sha256"
"""Of an object's metadata."""
TAKEN = ("PreconditionFailed", "ConditionalRequestConflict")
ABSENT = ("NoSuchKey",)
"""A plain 404 comes from something that is no S3 service; but the answer to a HEAD has no more."""

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Bucket:
    """A bucket, with endpoint, region and credentials as boto3 finds them in the environment.

    Every method raises a UserError where the service refuses, and `Halted` where it cannot be
    reached, or is busy, for long.

    Args:
        name: Of the bucket.
        answered: Whether it has done so, perhaps to another process with the same settings.
    """

    def __init__(self, name: str, *, answered: bool = False) -> None:
        self.name = name
        self._answered = answered

    def read(self, key: str) -> bytes | None:
        """Return a small object's content, or None if there is none."""

        def read() -> bytes | None:
            found = self._unless(ABSENT, "get_object", Key=key)
            return None if found is None else bytes(found["Body"].read())

        return self._patiently(key, read)

    def create(self, key: str, content: bytes) -> bool:
        """Write a small object unless there is one already; return whether it was written.

        A service without conditional writes writes it in any case.
        """
        given = {"Key": key, "Body": content, "IfNoneMatch": "*"}
        written = self._patiently(key, lambda: self._unless(TAKEN, "put_object", **given))
        return written is not None

    def size(self, key: str) -> int | None:
        """Return an object's bytes, or None if there is none."""
        found = self._head(key)
        return None if found is None else int(found["ContentLength"])

    def upload(self, file: Path, key: str) -> None:
        """Write a file's content; boto3 adds a checksum to every part, which the service checks."""
        self._upload(file, key, {})

    def download(self, key: str, file: Path) -> None:
        """Write an object's content to a new file."""

        def download() -> None:
            with file.open("wb") as stream:
                self._client.download_fileobj(self.name, key, stream, Config=_transfer())

        self._patiently(key, download)

    def sum_of(self, key: str) -> str | None:
        """Return the SHA-256 of what `replace` wrote, "" after `clear`; None if there is none."""
        found = self._head(key)
        return None if found is None else str(found["Metadata"].get(SUM, ""))

    def replace(self, file: Path, key: str) -> None:
        """Write a file's content and its SHA-256, in place of what is there."""
        self._upload(file, key, {"Metadata": {SUM: sha256_of_file(file)}})

    def take(self, key: str, file: Path) -> str:
        """Write what `replace` wrote to a new file, and return what its SHA-256 should be."""

        def take() -> str:
            with file.open("wb") as stream:
                # One answer: of an object that is replaced meanwhile, content and sum still agree.
                found = self._client.get_object(Bucket=self.name, Key=key)
                shutil.copyfileobj(found["Body"], stream)
                return str(found["Metadata"].get(SUM, ""))

        return self._patiently(key, take)

    def clear(self, key: str) -> None:
        """Write an empty object without a sum, in place of what is there."""
        given = {"Bucket": self.name, "Key": key, "Body": b""}
        self._patiently(key, lambda: self._client.put_object(**given))

    def keys(self, prefix: str) -> list[str]:
        """Return the keys that begin with `prefix`, which ends with /, and have no further /."""

        def keys() -> list[str]:
            pages = self._client.get_paginator("list_objects_v2")
            found = pages.paginate(Bucket=self.name, Prefix=prefix, Delimiter="/")
            return [entry["Key"] for page in found for entry in page.get("Contents", ())]

        return self._patiently(prefix, keys)

    def _head(self, key: str) -> Any:
        return self._patiently(key, lambda: self._unless((*ABSENT, "404"), "head_object", Key=key))

    def _upload(self, file: Path, key: str, extra: dict[str, Any]) -> None:
        def upload() -> None:
            with file.open("rb") as stream:
                given = {"ExtraArgs": extra, "Config": _transfer()}
                self._client.upload_fileobj(stream, self.name, key, **given)

        self._patiently(key, upload)

    @cached_property
    def _client(self) -> Any:
        # a third of a second, which nobody needs whose storage is a folder
        import boto3
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError

        settings = Config(
            # Three attempts with jitter within moments; AWS_MAX_ATTEMPTS makes it more. More would
            # not make it patient: all requests of a client share a quota, and bodies have none.
            retries={"mode": "standard"},
            connect_timeout=CONNECT_SECONDS,
            read_timeout=READ_SECONDS,
            max_pool_connections=TRANSFERS * TRANSFERS,
        )
        # boto3 itself reads only AWS_DEFAULT_REGION
        region = os.environ.get("AWS_REGION") or None
        try:
            # a session of its own: the shared one keeps the first credentials that it has seen
            return boto3.Session().client("s3", region_name=region, config=settings)
        except (ValueError, BotoCoreError) as invalid:
            raise UserError(
                f"no S3 client can be set up: {invalid}",
                "AWS_ENDPOINT_URL as http://HOST:PORT or https://HOST, or unset for Amazon, and "
                "an AWS_PROFILE that exists, or none",
                "correct the AWS_… variables",
            ) from invalid

    def _unless(self, codes: tuple[str, ...], operation: str, **given: Any) -> Any:
        """Return the service's answer, or None if it refuses with one of `codes`."""
        from botocore.exceptions import ClientError

        try:
            return getattr(self._client, operation)(Bucket=self.name, **given)
        except ClientError as refusal:
            if refusal.response.get("Error", {}).get("Code") in codes:
                return None
            raise

    def _patiently(self, key: str, work: Callable[[], T]) -> T:
        """Return what `work` returns; what may pass by itself is repeated from its beginning.

        Raises:
            UserError: The service refuses.
            Halted: It did not pass.
        """
        from fckd.storage.refusals import REFUSALS, explained, may_pass

        since, pause = None, FIRST_PAUSE
        while True:
            try:
                done = work()
            except REFUSALS as refusal:
                told = explained(refusal, f"s3://{self.name}/{key}", self._endpoint)
                patience = PATIENCE_SECONDS if self._answered else FIRST_SECONDS
                since = since or time.monotonic()  # a long transfer may break off at its end
                if not may_pass(refusal) or time.monotonic() + pause - since > patience:
                    raise told from refusal
            else:
                self._answered = True
                return done
            if self._answered and pause == FIRST_PAUSE:
                _log.warning("%s; it is tried again for %.0f s", told.given, patience)
            time.sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    @property
    def _endpoint(self) -> str:
        """The service's host, without anything that an address may carry beside it."""
        parts = urlsplit(self._client.meta.endpoint_url)
        return f"{parts.hostname}:{parts.port}" if parts.port else f"{parts.hostname}"


def _transfer() -> Any:
    from boto3.s3.transfer import TransferConfig

    return TransferConfig(
        multipart_threshold=PART_BYTES, multipart_chunksize=PART_BYTES, max_concurrency=TRANSFERS
    )
