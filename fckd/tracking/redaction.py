"""Secrets are taken out before anything is written: to the spool, to MLflow, to a log line."""

import re
from collections.abc import Mapping
from typing import Any

from fckd.config.addresses import sounds_secret

HIDDEN = "***"

_BEHIND_ITS_KIND = re.compile(r"(?<=://)(?<!sqlite://)(?<!file://)(?<!s3://)\S+")
"""Of an address. That of a file or a bucket has a path there, and nobody before an @."""
_VALUE_IN_QUERY = re.compile(r"([?&]([^?&=\s]+)=)[^&\s]*")


def redact_text(text: str) -> str:
    """Return `text` with what stands before an @, and secrets after a ?, hidden in each address."""
    return _VALUE_IN_QUERY.sub(_without_secret, _BEHIND_ITS_KIND.sub(_without_user, text))


def redact(values: Any, name: str = "") -> Any:
    """Return JSON-like `values` with secrets hidden, by their name or inside an address."""
    if isinstance(values, Mapping):
        return {key: redact(value, str(key)) for key, value in values.items()}
    if isinstance(values, list | tuple):
        return [redact(value, name) for value in values]
    if isinstance(values, str):
        return HIDDEN if sounds_secret(name) else redact_text(values)
    return values


def _without_user(found: re.Match[str]) -> str:
    if "@" in found[0].partition("?")[2]:  # perhaps that ? was one of the password's
        return HIDDEN
    _, mark, rest = found[0].rpartition("@")
    return f"{HIDDEN}@{rest}" if mark else found[0]


def _without_secret(found: re.Match[str]) -> str:
    return f"{found[1]}{HIDDEN}" if sounds_secret(found[2]) else found[0]
