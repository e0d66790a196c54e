"""Small artefacts, and what other processes do with them."""

import os
import signal
import time
from pathlib import Path

from fckd.storage.address import Address
from fckd.storage.bucket import Bucket
from fckd.storage.cache import Cache
from fckd.storage.shelf import Shelf

NAME = "teachers/skeleton-0123456789abcdef"
FILES = {"model.safetensors": b"weights" * 1000, "teacher.json": b"{}\n", "third": b""}


def write(folder: Path, files=FILES) -> Path:
    folder.mkdir(parents=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return folder


def content(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def visible(shelf: Shelf) -> list[str]:
    """Return the names of all that anybody could take for an artefact."""
    return sorted(str(path.relative_to(shelf.folder)) for path in shelf.folder.glob("*/[!.]*"))


def fetch_elsewhere(address, cache, name, barrier, results):
    shelf = Shelf(Address.parse(address), Cache(Path(cache), None))
    barrier.wait()
    results.put((shelf.fetch(shelf.folder / name), sorted(content(shelf.folder / name))))


def hold_elsewhere(address, cache, name, held, limit):
    """Fetch an artefact and then wait, before it is opened."""
    shelf = Shelf(Address.parse(address), Cache(Path(cache), limit))
    shelf.fetch(shelf.folder / name)
    held.set()
    time.sleep(600)


def die_in(method, address, cache, name, calls):
    """Publish (or fetch) and be killed in the call number `calls` of the bucket's `method`."""
    real, done = getattr(Bucket, method), []

    def deadly(bucket, *given):
        real(bucket, *given)
        done.append(given)
        if len(done) == calls:
            os.kill(os.getpid(), signal.SIGKILL)

    setattr(Bucket, method, deadly)
    shelf = Shelf(Address.parse(address), Cache(Path(cache), None))
    if method == "upload":
        shelf.publish(shelf.folder / name)
    shelf.fetch(shelf.folder / name)
