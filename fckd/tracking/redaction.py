"""Secrets are taken out before anything is written: to the spool, to MLflow, to a log line."""

import re
from collections.abc import Mapping
from typing import Any

HIDDEN = "***"

_SECRET_NAME = re.compile(
    r"passw(or)?d|secret|credential|api_?key|access_?key|(^|[._-])token$", re.IGNORECASE
)
_CREDENTIALS_IN_ADDRESS = re.compile(r"(?<=://)[^/\s@]+:[^/\s]*@")
_PASSWORD_IN_QUERY = re.compile(r"([?&]password=)[^&\s]*")


def redact_text(text: str) -> str:
    """Return `text` with `user:password@` and `?password=` hidden in every address."""
    text = _PASSWORD_IN_QUERY.sub(rf"\g<1>{HIDDEN}", text)
    return _CREDENTIALS_IN_ADDRESS.sub(f"{HIDDEN}@", text)


def redact(values: Any, name: str = "") -> Any:
    """Return JSON-like `values` with secrets hidden, by their name or inside an address."""
    if isinstance(values, Mapping):
        return {key: redact(value, str(key)) for key, value in values.items()}
    if isinstance(values, list | tuple):
        return [redact(value, name) for value in values]
    if isinstance(values, str):
        return HIDDEN if _SECRET_NAME.search(name) else redact_text(values)
    return values
