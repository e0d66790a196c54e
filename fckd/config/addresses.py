"""What is known of an address before anybody is asked: what may be shown of it, and files."""

import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

SQLITE = "sqlite:///"
OF_NOBODY = (SQLITE, "file://", "s3://", "/")
"""So addresses begin in which an @ is part of a path."""

_KIND = re.compile(r"[\w+.-]+://")
_SECRET_NAME = re.compile(
    r"passw(or)?d|secret|credential|api_?key|access_?key|(^|[._-])token$", re.IGNORECASE
)


def shown(address: str) -> str:
    """Return `address` fit to be shown: what stands before its @, and its query, are left out.

    A file or a bucket has nobody before its path, which is shown whole.
    """
    place, _, query = address.partition("?")
    if place.startswith(OF_NOBODY):
        return place
    found = _KIND.match(place)
    kind = found[0] if found else ""
    if "@" in query:  # perhaps that ? was one of the password's
        return f"{kind}…"
    return kind + place.removeprefix(kind).rpartition("@")[2]


def sqlite_file(address: str) -> Path | None:
    """Return the file that a SQLite address names; None for any other address."""
    if not address.startswith(SQLITE):
        return None
    return Path(address.removeprefix(SQLITE).partition("?")[0])


def holds_password(address: str) -> bool:
    """Return whether an address has a password before its host, or a secret after its ?.

    Raises:
        ValueError: It cannot be read.
    """
    parts = urlsplit(address)
    return parts.password is not None or any(map(sounds_secret, parse_qs(parts.query)))


def sounds_secret(name: str) -> bool:
    """Return whether what is called `name` is likely a secret, such as `sslpassword`."""
    return _SECRET_NAME.search(name) is not None
