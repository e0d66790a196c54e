"""From wherever a student lies into a new folder: what its sums list, and only if all is well."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

from fckd.errors import UserError
from fckd.files import make_folder
from fckd.registry.card import Card
from fckd.registry.folder import read_student
from fckd.registry.signature import is_demanded
from fckd.registry.sums import SIGNATURE, SUMS, listed, no_student

Read = Callable[[str], bytes | None]
"""Returns the content of a file of the student, or None if there is none of that name."""


def deliver(
    read: Read,
    place: str,
    out: Path,
    *,
    public_key: Path | None = None,
    name: str | None = None,
    fingerprint: str | None = None,
) -> Path:
    """Put a student into `out`, whole or not at all; return `out`.

    Args:
        read: Gives its files.
        place: Where these are, for the message of an error.
        out: A folder that is empty or does not exist.
        public_key: Who must have signed it; by default the key that FCKD_PUBLIC_KEY names.
        name: Under which it was asked for; a signed student must be the one of that name.
        fingerprint: Of its sums, as the registry remembers them.

    Raises:
        UserError: `out` holds something, a file is absent or changed, it is not the student that
            was registered, or not signed by a key that is set.
    """
    check_empty(out)
    make_folder(out.parent)
    # beside `out`, so that the finished folder is renamed within one file system
    with TemporaryDirectory(prefix=f".{out.name}.", dir=out.parent) as scratch:
        student = Path(scratch) / "student"
        student.mkdir()
        for file, found in _gathered(read, place).items():
            (student / file).write_bytes(found)
        read_registered(student, place, public_key=public_key, name=name, fingerprint=fingerprint)
        if out.exists():
            out.rmdir()
        student.rename(out)
    return out


def read_registered(
    folder: Path,
    place: str,
    *,
    public_key: Path | None,
    name: str | None,
    fingerprint: str | None,
) -> Card:
    """Return the card of the student in `folder`, if it is the one that was asked for.

    Args:
        folder: Its files as they were fetched.
        place: From where, for the message of an error.
        public_key: Who must have signed it; by default the key that FCKD_PUBLIC_KEY names.
        name: Under which it was asked for; a signed student must be the one of that name.
        fingerprint: Of its sums, as the registry remembers them.

    Raises:
        UserError: A file is absent or changed, it is not the student that was registered, or not
            signed by a key that is set.
    """
    card, content = read_student(folder, public_key)
    if fingerprint is not None and fingerprint_of(content[SUMS]) != fingerprint:
        raise _exchanged(place, "is not the student that was registered")
    if name not in {None, card.name} and is_demanded(public_key):
        raise _exchanged(place, f"is signed as {card.name}, not as {name}")
    return card


def fingerprint_of(sums: bytes) -> str:
    """Return the SHA-256 of a student's sums, which names all of its content."""
    return hashlib.sha256(sums).hexdigest()


def check_empty(out: Path) -> None:
    """Return if `out` is an empty folder or does not exist.

    Raises:
        UserError: It holds something.
    """
    if out.is_file() or (out.is_dir() and any(out.iterdir())):
        raise UserError(
            f"{out} holds something already",
            "a folder that is empty or does not exist",
            "choose another one with --out, or move it away",
        )


def of_folder(folder: Path) -> Read:
    """Return what reads the plain files of a folder; links are not followed."""

    def read(name: str) -> bytes | None:
        file = folder / name
        return file.read_bytes() if file.is_file() and not file.is_symlink() else None

    return read


def _gathered(read: Read, place: str) -> dict[str, bytes]:
    sums = read(SUMS)
    if sums is None:
        raise no_student(place)
    content = {name: read(name) for name in (SIGNATURE, *listed(place, sums))}
    return {SUMS: sums} | {name: found for name, found in content.items() if found is not None}


def _exchanged(place: str, what: str) -> UserError:
    return UserError(
        f"{place} {what}",
        "the files that were registered, as they were packed",
        "do not use this copy; look into who may write there",
    )
