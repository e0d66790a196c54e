"""SHA256SUMS: what a folder promises about its files, in the format of `sha256sum --check`."""

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

from fckd.errors import UserError
from fckd.files import sha256_of_file

SUMS = "SHA256SUMS"

_LINE = re.compile(r"(?P<sum>[0-9a-f]{64}) [ *](?P<name>\S.*)")


def write_sums(folder: Path) -> None:
    """Write the sums of every file in `folder`."""
    names = sorted(path.name for path in folder.iterdir() if path.name != SUMS)
    lines = (f"{sha256_of_file(folder / name)}  {name}\n" for name in names)
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")


def read_verified(folder: Path, required: Iterable[str]) -> dict[str, bytes]:
    """Return the content of every listed file; what is returned is what was checked.

    Args:
        folder: Holds `SHA256SUMS` and the files.
        required: Names that must be listed.

    Raises:
        UserError: No sums, a line that is none, a name that leaves the folder, a file that is
            listed but absent, required but not listed, or changed.
    """
    sums = _read_sums(folder)
    missing = sorted(set(required) - sums.keys())
    if missing:
        raise _damaged(folder, f"{SUMS} does not list {', '.join(missing)}")
    return {name: _read(folder, name, expected) for name, expected in sums.items()}


def _read_sums(folder: Path) -> dict[str, str]:
    try:
        text = (folder / SUMS).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as refusal:
        raise UserError(
            f"{folder} is not a student: {SUMS} cannot be read",
            f"a folder with {SUMS}, as made by `fckd pull`",
            "check the path",
        ) from refusal
    sums: dict[str, str] = {}
    for line in text.splitlines():
        found = _LINE.fullmatch(line)
        if found is None:
            raise _damaged(folder, f"{SUMS} has the line {line!r}")
        sums[found["name"]] = found["sum"]
    return sums


def _read(folder: Path, name: str, expected: str) -> bytes:
    path = folder / name
    # a name with a folder in it, or a link, could lead to any file of this machine
    if Path(name).name != name or name == ".." or path.is_symlink():
        raise _damaged(folder, f"{SUMS} lists {name!r}, which is not a plain file of the folder")
    try:
        content = path.read_bytes()
    except OSError as refusal:
        raise _damaged(folder, f"{name} cannot be read ({refusal.strerror})") from refusal
    if hashlib.sha256(content).hexdigest() != expected:
        raise _damaged(folder, f"the content of {name} is not what {SUMS} says")
    return content


def _damaged(folder: Path, what: str) -> UserError:
    return UserError(
        f"{folder}: {what}",
        "the files as they were packed",
        "do not use this copy; pull the student again",
    )
