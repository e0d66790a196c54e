"""Who packed a student: an Ed25519 signature of its SHA256SUMS, and with that of every file.

The sums cover the card, which says the student's name and what it was made from: a signature that
is moved to another folder does not fit it. `openssl pkeyutl -verify -pubin -inkey public.pem -rawin
-in SHA256SUMS -sigfile SHA256SUMS.sig` says the same without fckd.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from fckd.errors import UserError
from fckd.registry.sums import SIGNATURE, SUMS

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (
        Ed25519PrivateKey,
        Ed25519PublicKey,
    )

SIGNING_KEY = "FCKD_SIGNING_KEY"
"""Environment: the file with the private key; unset, nothing is signed."""
PUBLIC_KEY = "FCKD_PUBLIC_KEY"
"""Environment: the file with the public key; set, only what it signed is accepted."""

_MAKE = "openssl genpkey -algorithm ed25519 -out private.pem; openssl pkey -in private.pem -pubout"
_ASK = "ask who packed the student for the public key; one that you make yourself fits nothing"


def signing_key() -> "Ed25519PrivateKey | None":
    """Return the key in the file that FCKD_SIGNING_KEY names, or None if it names none.

    Raises:
        UserError: The file cannot be read, or holds no such key.
    """
    place = os.environ.get(SIGNING_KEY)
    if not place:
        return None
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        key = load_pem_private_key(_content(Path(place), SIGNING_KEY, _MAKE), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as refusal:
        expected = f"{SIGNING_KEY}: an Ed25519 private key in PEM, no passphrase"
        raise _no_key(place, expected, _MAKE) from refusal
    if not isinstance(key, Ed25519PrivateKey):
        raise _no_key(place, f"{SIGNING_KEY}: an Ed25519 private key in PEM", _MAKE)
    return key


def sign(folder: Path, key: "Ed25519PrivateKey") -> None:
    """Write the signature of the sums in `folder`."""
    (folder / SIGNATURE).write_bytes(key.sign((folder / SUMS).read_bytes()))


def check_signature(folder: Path, content: Mapping[str, bytes], public_key: Path | None) -> None:
    """Return if the sums are signed by the trusted key, or if no key is set.

    Args:
        folder: Where the student came from, for the message of an error.
        content: Its files, SHA256SUMS and the signature among them.
        public_key: A file; by default the one that FCKD_PUBLIC_KEY names.

    Raises:
        UserError: The key cannot be read, or the student is unsigned or signed otherwise.
    """
    place = public_key or (Path(named) if (named := os.environ.get(PUBLIC_KEY)) else None)
    if place is None:
        return
    from cryptography.exceptions import InvalidSignature

    key = _public(place)
    if SIGNATURE not in content:
        raise _distrusted(f"{folder} is not signed", place)
    try:
        key.verify(content[SIGNATURE], content[SUMS])
    except InvalidSignature as refusal:
        raise _distrusted(f"{folder}: {SIGNATURE} is not this key's for these files", place) from (
            refusal
        )


def is_demanded(public_key: Path | None) -> bool:
    """Whether a trusted key is set."""
    return bool(public_key or os.environ.get(PUBLIC_KEY))


def _public(place: Path) -> "Ed25519PublicKey":
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    expected = f"an Ed25519 public key in PEM ({PUBLIC_KEY} or --public-key)"
    try:
        key = load_pem_public_key(_content(place, PUBLIC_KEY, _ASK))
    except (ValueError, UnsupportedAlgorithm) as refusal:
        raise _no_key(str(place), expected, _ASK) from refusal
    if not isinstance(key, Ed25519PublicKey):
        raise _no_key(str(place), expected, _ASK)
    return key


def _content(place: Path, variable: str, remedy: str) -> bytes:
    try:
        return place.expanduser().read_bytes()
    except OSError as refusal:
        raise UserError(
            f"the key {place} cannot be read: {refusal.strerror}",
            f"a file with an Ed25519 key in PEM, or no {variable}",
            remedy,
        ) from refusal


def _no_key(place: str, expected: str, remedy: str) -> UserError:
    return UserError(f"{place} holds no such key", expected, remedy)


def _distrusted(given: str, key: Path) -> UserError:
    return UserError(
        given,
        f"files signed with the private key of {key}",
        "do not use this copy; ask who packed it, or trust another key",
    )
