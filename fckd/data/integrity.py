"""Whether a corpus is still what was written."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from pyarrow import fs

from fckd.errors import UserError
from fckd.files import write_json


def check_file(path: str, size: int, sha256: str | None, filesystem: fs.FileSystem) -> None:
    """Check that a file is there and as long as it was, and its content if `sha256` is given.

    Raises:
        UserError: It is not.
    """
    found = filesystem.get_file_info(path)
    if found.type != fs.FileType.File:
        raise damaged(path, "it is absent")
    if found.size != size:
        raise damaged(path, f"{found.size} bytes instead of {size}")
    if sha256 is not None and _sha256(path, filesystem) != sha256:
        raise damaged(path, "its content has changed")


class Inspected:
    """Remembers which files were found whole, so that hundreds of gigabytes are read once.

    A file counts as unchanged while its size and time of modification are.

    Args:
        note: Where it is remembered.
    """

    def __init__(self, note: Path) -> None:
        self._note = note

    def __contains__(self, folder: Path) -> bool:
        """Whether every file of `folder` is as it was when it was last inspected."""
        try:
            known: Mapping[str, object] = json.loads(self._note.read_bytes())
        except (FileNotFoundError, ValueError):
            return False
        return known == _states(folder)

    def add(self, folder: Path) -> None:
        """Remember the files of `folder`."""
        write_json(self._note, _states(folder))


def damaged(path: str, what: str) -> UserError:
    """Return the error for a corpus file that is not what was written."""
    return UserError(
        f"{path} is damaged: {what}",
        "the file that `fckd prepare` wrote",
        "delete the corpus folder and run again: it is made anew",
    )


def _states(folder: Path) -> dict[str, list[int]]:
    states = {path.name: path.stat() for path in folder.iterdir() if path.is_file()}
    return {name: [state.st_size, state.st_mtime_ns] for name, state in states.items()}


def _sha256(path: str, filesystem: fs.FileSystem) -> str:
    with filesystem.open_input_file(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
