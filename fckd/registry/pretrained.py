"""Pretrained weights, fetched from wherever they are and kept under what they contain."""

import shutil
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fckd.errors import UserError
from fckd.files import make_folder, sha256_of_file
from fckd.models.pretrained import FOLDER, SAFE, SCHEME
from fckd.registry.folder import WEIGHTS
from fckd.registry.pull import pull

REGISTERED = "models:/"
BUCKET = "s3://"
UNSAFE = ".pt"


def fetch_pretrained(reference: str, storage: Path, tracking_uri: str) -> str:
    """Copy pretrained weights into `storage`, whole or not at all; return `sha256:…`.

    The content names the copy: what a network began with is part of what it was made from, though
    a file, an object or an alias may be exchanged later.

    Args:
        reference: A local file, `s3://bucket/key`, or `models:/NAME@ALIAS`, a registered student.
        storage: The folder that holds every artefact.
        tracking_uri: Of the registry; read only for `models:/`.

    Raises:
        UserError: Nothing is there, or it cannot be read.
    """
    folder = make_folder(storage / FOLDER)
    with tempfile.TemporaryDirectory() as scratch:
        source = _found(reference, Path(scratch), tracking_uri)
        with _temporary(folder) as copy:
            _copy(source, copy)
            digest = sha256_of_file(copy)
            suffix = SAFE if source.suffix == SAFE else UNSAFE
            copy.replace(folder / f"{digest}{suffix}")
    return SCHEME + digest


def _found(reference: str, scratch: Path, tracking_uri: str) -> Path:
    """Return a local file of what `reference` names; in `scratch` if it comes from elsewhere."""
    if reference.startswith(REGISTERED):
        named = reference.removeprefix(REGISTERED)
        return pull(named, scratch / "student", tracking_uri) / WEIGHTS
    if reference.startswith(BUCKET):
        return _download(reference, scratch)
    return Path(reference).expanduser()


def _download(address: str, scratch: Path) -> Path:
    # Arrow's clients of object storage take a second to load, which most runs do not need.
    from pyarrow.fs import FileSystem

    target = scratch / address.rpartition("/")[2]
    try:
        bucket, key = FileSystem.from_uri(address)
        with bucket.open_input_stream(key) as stream, target.open("wb") as file:
            shutil.copyfileobj(stream, file)
    except (OSError, ValueError) as refusal:
        raise UserError(
            f"weights: {address} cannot be read: {refusal}",
            "s3://BUCKET/KEY of an object that this machine's credentials may read",
            "check the address, the credentials and AWS_ENDPOINT_URL",
        ) from refusal
    return target


def _copy(source: Path, target: Path) -> None:
    try:
        shutil.copyfile(source, target)
    except OSError as refusal:
        raise UserError(
            f"weights: {source} cannot be copied to {target.parent}: {refusal.strerror}",
            "a file of weights, s3://BUCKET/KEY, or models:/NAME@ALIAS",
            "check the path",
        ) from refusal


@contextmanager
def _temporary(folder: Path) -> Iterator[Path]:
    temporary = folder / f".{uuid.uuid4().hex}.partial"
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)
