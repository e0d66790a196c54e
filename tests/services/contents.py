"""What programs have written, which may still be running and delete some of it."""

import os
from collections.abc import Iterator
from pathlib import Path


def contents(*folders: Path) -> Iterator[tuple[Path, bytes]]:
    """Yield every file below `folders` with its content, but those that vanish meanwhile."""
    for top in folders:
        for folder, _, names in os.walk(top):
            for path in (Path(folder, name) for name in names):
                try:
                    if path.is_file():  # and no socket
                        yield path, path.read_bytes()
                except FileNotFoundError:
                    continue
