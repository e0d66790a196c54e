"""SHA256SUMS: what a folder promises about its files, in the format of `sha256sum --check`."""

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from fckd.errors import UserError
from fckd.files import sha256_of_file

SUMS = "SHA256SUMS"
SIGNATURE = "SHA256SUMS.sig"
"""64 bytes of Ed25519, where a student is signed."""

_LINE = re.compile(r"(?P<sum>[0-9a-f]{64}) [ *](?P<name>\S.*)")


def write_sums(folder: Path) -> None:
    """Write the sums of every file in `folder`, but for their own signature."""
    names = sorted({path.name for path in folder.iterdir()} - {SUMS, SIGNATURE})
    lines = (f"{sha256_of_file(folder / name)}  {name}\n" for name in names)
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


def read_verified(folder: Path, required: Iterable[str]) -> dict[str, bytes]:
    """Return the content of every listed file; what is returned is what was checked.

    The sums themselves and their signature, if there is one, are returned as well.

    Args:
        folder: Holds `SHA256SUMS` and the files.
        required: Names that must be listed.

    Raises:
        UserError: No sums, a line that is none, a name that leaves the folder, a file that is
            listed but absent, required but not listed, or changed.
    """
    own = _own_files(folder)
    sums = listed(str(folder), own[SUMS])
    missing = sorted(set(required) - sums.keys())
    if missing:
        raise _damaged(str(folder), f"{SUMS} does not list {', '.join(missing)}")
    return own | {name: _read(folder, name, expected) for name, expected in sums.items()}


def listed(place: str, content: bytes) -> dict[str, str]:
    """Return the sum of every file that the content of `SHA256SUMS` lists, by its name.

    Args:
        place: Where it is, for the message of an error.
        content: Of the file.

    Raises:
        UserError: A line that is none, or a name that is not that of a file beside it.
    """
    try:
        text = content.decode()
    except UnicodeDecodeError as refusal:
        raise no_student(place) from refusal
    sums: dict[str, str] = {}
    for line in text.splitlines():
        found = _LINE.fullmatch(line)
        if found is None:
            raise _damaged(place, f"{SUMS} has the line {line!r}")
        sums[found["name"]] = found["sum"]
    for name in sums:
        # a name with a folder in it could lead to any file of this machine
        if re.search(r"[/\\\0]", name) or name in {".", "..", SUMS, SIGNATURE}:
            raise _stranger(place, name)
    return sums


def no_student(place: str) -> UserError:
    """Return the refusal of a place without sums."""
    return UserError(
        f"{place} is not a student: {SUMS} cannot be read",
        f"a folder with {SUMS}, as made by `fckd pull`",
        "check the path",
    )


def _own_files(folder: Path) -> dict[str, bytes]:
    if any((folder / name).is_symlink() for name in (SUMS, SIGNATURE)):
        raise no_student(str(folder))
    try:
        own = {SUMS: (folder / SUMS).read_bytes()}
        if (folder / SIGNATURE).exists():
            own[SIGNATURE] = (folder / SIGNATURE).read_bytes()
    except OSError as refusal:
        raise no_student(str(folder)) from refusal
    return own


def _read(folder: Path, name: str, expected: str) -> bytes:
    path = folder / name
    if path.is_symlink():
        raise _stranger(str(folder), name)
    try:
        content = path.read_bytes()
    except OSError as refusal:
        raise _damaged(str(folder), f"{name} cannot be read ({refusal.strerror})") from refusal
    if hashlib.sha256(content).hexdigest() != expected:
        raise _damaged(str(folder), f"the content of {name} is not what {SUMS} says")
    return content


def _stranger(place: str, name: str) -> UserError:
    return _damaged(place, f"{SUMS} lists {name!r}, which is not a plain file of the folder")


def _damaged(place: str, what: str) -> UserError:
    return UserError(
        f"{place}: {what}",
        "the files as they were packed",
        "do not use this copy; pull the student again",
    )
