"""Files that are either whole or absent: write under a temporary name, then rename."""

import errno
import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fckd.errors import UserError


@contextmanager
def new_folder(target: Path) -> Iterator[Path]:
    """Yield a temporary folder that becomes `target` if the block ends without an error.

    Raises:
        UserError: The parent folder cannot be written.
    """
    make_folder(target.parent)
    temporary = target.parent / f".{target.name}.{uuid.uuid4().hex[:8]}.partial"
    make_folder(temporary)
    try:
        yield temporary
        if target.exists():
            shutil.rmtree(target)
        temporary.rename(target)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def make_folder(folder: Path) -> Path:
    """Create `folder` with its parents.

    Raises:
        UserError: The file system refuses.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(13, "Permission denied")
    except OSError as refusal:
        raise UserError(
            f"cannot write to {folder}: {refusal.strerror}",
            "a folder that this user may write to",
            "choose another place",
        ) from refusal
    return folder


def write_bytes(target: Path, content: bytes) -> None:
    """Write a whole file or none."""
    make_folder(target.parent)
    temporary = target.with_name(f".{target.name}.{uuid.uuid4().hex[:8]}.partial")
    try:
        temporary.write_bytes(content)
        temporary.replace(target)
    finally:
        temporary.unlink(missing_ok=True)


def write_json(target: Path, content: Any) -> None:
    """Write `content` as indented JSON, whole or not at all."""
    write_bytes(target, (json.dumps(content, indent=2, sort_keys=True) + "\n").encode())


def is_full(error: BaseException | None) -> bool:
    """Whether an error, or what caused it, says that a disk, or this user's part of it, is full."""
    if error is None:
        return False
    full = isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT)
    return full or is_full(error.__cause__)


def sha256_of_file(path: Path) -> str:
    """Return the hexadecimal SHA-256 of a file's content."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def fingerprint(content: Any) -> str:
    """Return 16 hexadecimal digits that name JSON `content`, whatever the order of its keys."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]
