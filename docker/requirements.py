"""Print what the images of fckd install, apart from fckd itself: one requirement a line.

python docker/requirements.py node|tracking
"""

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

EXTRAS = {"node": ["service", "postgresql"], "tracking": ["server"]}


def main(image: str) -> None:
    """Print the requirements of a Ray node or of the tracking server."""
    project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
    own = project["dependencies"] if image == "node" else []
    brought = _brought(EXTRAS[image], project["optional-dependencies"])
    sys.stdout.write("".join(f"{each}\n" for each in [*own, *brought]))


def _brought(names: list[str], extras: dict[str, list[str]]) -> Iterator[str]:
    """Yield what extras ask for, and what the extras of fckd that they name ask for."""
    for requirement in (each for name in names for each in extras[name]):
        if named := re.fullmatch(r"fckd\[(.+)\]", requirement):
            yield from _brought(named[1].split(","), extras)
        else:
            yield requirement


if __name__ == "__main__":
    main(sys.argv[1])
