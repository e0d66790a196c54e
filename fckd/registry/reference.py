"""How a registered student is named: NAME, NAME@ALIAS or NAME/VERSION."""

import re
from dataclasses import dataclass

from fckd.errors import UserError

CHAMPION = "champion"

_FORM = re.compile(r"(?P<name>[\w.-]+)(?:@(?P<alias>[\w-]+)|/(?P<version>[1-9]\d*))?")


@dataclass(frozen=True)
class Reference:
    """A registered model's name with either an alias or a version."""

    name: str
    alias: str | None
    version: int | None


def parse_reference(text: str) -> Reference:
    """Return what `text` names; a bare NAME means its champion.

    Raises:
        UserError: Neither of the three forms.
    """
    found = _FORM.fullmatch(text)
    if found is None:
        raise UserError(
            f"the reference {text!r}",
            "NAME, NAME@ALIAS or NAME/VERSION, for example demo@champion or demo/3",
            "write it in one of these forms",
        )
    if found["version"] is not None:
        return Reference(found["name"], None, int(found["version"]))
    return Reference(found["name"], found["alias"] or CHAMPION, None)
