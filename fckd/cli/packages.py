"""A verb that needs more than is installed says which extra brings it."""

import re
from importlib.metadata import packages_distributions, requires

from fckd.errors import UserError, to_install

IMPORTED_AS = {"opencv-python-headless": "cv2", "scikit-learn": "sklearn", "pillow": "PIL"}
"""Distributions whose modules are named otherwise."""
EXTRAS = ("student", "service")
"""From the smallest."""


def needs_more(absent: ModuleNotFoundError) -> UserError:
    """Return what to tell of an absent package that an extra of fckd brings.

    Raises:
        ModuleNotFoundError: It is none of these: `absent` itself.
    """
    module = (absent.name or "").partition(".")[0]
    extra = next((extra for extra in EXTRAS if module in _modules(extra)), None)
    if extra is None or module in packages_distributions():
        raise absent
    return UserError(
        f"this needs {module}, which is not installed",
        f"fckd with its extra {extra}",
        to_install(extra),
    )


def _modules(extra: str) -> set[str]:
    names = (
        re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
        for requirement in requires("fckd") or ()
        if re.search(rf"""extra == ['"]{extra}['"]""", requirement)
    )
    return {IMPORTED_AS.get(name, name.replace("-", "_")) for name in names}
