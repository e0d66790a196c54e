"""What somebody who misspelt a name may have meant."""

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, get_args

from fckd.config.base import Configuration

CLOSE = 0.7
"""Of 1."""


def did_you_mean(given: str, shown: Mapping[str, str]) -> str:
    """Return a question after the name that begins with `given` or is spelt like it, or nothing.

    Args:
        given: The name that is not there.
        shown: What is there: by name, how to write it.
    """
    longer = [name for name in shown if name.startswith(given)]
    found = longer or get_close_matches(given, shown, 1, CLOSE)
    return "".join(f"; did you mean {shown[name]}?" for name in found[:1])


def nearest_field(names: Sequence[str], model: type[Configuration]) -> str:
    """Return a question after the field that is meant by the last of `names`; empty if none is.

    Args:
        names: The place of a field that is not there, from `model` down.
        model: Of the whole document.
    """
    groups = [model]
    for name in names[:-1]:
        fields = [group.model_fields[name] for group in groups if name in group.model_fields]
        if fields:  # else a name of the user's own, such as a teacher's, or a place in a list
            groups = [group for field in fields for group in _groups(field.annotation)]
    known = {name: name for group in groups for name in group.model_fields}
    return did_you_mean(names[-1], known)


def _groups(annotation: Any) -> Iterator[type[Configuration]]:
    """Yield every group of fields that a type is made of."""
    if isinstance(annotation, type) and issubclass(annotation, Configuration):
        yield annotation
    for part in get_args(annotation):
        yield from _groups(part)
