"""Values in the form that MLflow takes."""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

Item = TypeVar("Item")

LONGEST_TEXT = 5000
"""MLflow cuts tags and parameters at 5000 or 6000 characters, depending on the store."""

_UNFIT = re.compile(r"[^\w .:/-]")


def safe_name(name: str) -> str:
    """Return `name` with the characters replaced that MLflow refuses."""
    return _UNFIT.sub("_", name)


def flat_texts(values: Mapping[str, Any], prefix: str = "") -> dict[str, str]:
    """Return nested `values` as dotted names with texts."""
    flat: dict[str, str] = {}
    for key, value in values.items():
        name = f"{prefix}{safe_name(str(key))}"
        if isinstance(value, Mapping):
            flat |= flat_texts(value, f"{name}.")
        else:
            flat[name] = as_text(value)
    return flat


def as_text(value: Any) -> str:
    """Return `value` as MLflow should show it."""
    text = value if isinstance(value, str) else json.dumps(value, default=str)
    return text[:LONGEST_TEXT]


def milliseconds(seconds: float) -> int:
    """Return a Unix time the way MLflow counts it."""
    return round(seconds * 1000)


def parts(items: Sequence[Item], size: int) -> Iterator[Sequence[Item]]:
    """Yield `items` in groups of at most `size`."""
    for start in range(0, len(items), size):
        yield items[start : start + size]
