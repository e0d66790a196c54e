"""Seconds to put an artefact into S3 and to fetch it, against a plain boto3 client.

    python -m benchmarks.s3_reading s3://BUCKET/PREFIX [--mebibytes 256] [--files 4] [--rounds 5]

Endpoint, region and credentials are those that boto3 finds in the environment. The artefact is a
folder of random bytes in `--files` files. `fckd` publishes and fetches it as it does corpora and
lessons: with the SHA-256 of every file checked, whole or not at all. `boto3` uploads and downloads
the same files one after the other with its defaults, and checks nothing more than boto3 does. Each
round uses new names; what was written stays under the prefix.
"""

import os
import shutil
import tempfile
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import boto3

from benchmarks.results import median_and_range, parser, tell
from fckd.storage.address import Address
from fckd.storage.cache import Cache
from fckd.storage.shelf import Shelf

MEBIBYTE = 2**20


def taken(work: Callable[[], object]) -> float:
    """Return the seconds that `work` takes."""
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def by_fckd(address: Address, source: Path, scratch: Path) -> tuple[float, float]:
    """Return the seconds to publish `source` from one machine and to fetch it to another."""
    name = f"corpora/{uuid.uuid4().hex}"
    shelves = [Shelf(address, Cache(scratch / uuid.uuid4().hex, None)) for _ in range(2)]
    shutil.copytree(source, shelves[0].folder / name)
    return (
        taken(lambda: shelves[0].publish(shelves[0].folder / name)),
        taken(lambda: shelves[1].fetch(shelves[1].folder / name)),
    )


def by_boto3(address: Address, source: Path, scratch: Path) -> tuple[float, float]:
    """Return the same of a plain client."""
    client, name = boto3.client("s3"), uuid.uuid4().hex
    files, target = sorted(source.iterdir()), scratch / name
    target.mkdir()

    def key(file: Path) -> str:
        return address.key(f"plain/{name}/{file.name}")

    def put() -> None:
        for file in files:
            client.upload_file(str(file), address.bucket, key(file))

    def fetch() -> None:
        for file in files:
            client.download_file(address.bucket, key(file), str(target / file.name))

    return taken(put), taken(fetch)


def main() -> None:
    """Measure and print."""
    options = parser(__doc__)
    options.add_argument("address", type=Address.parse)
    options.add_argument("--mebibytes", type=int, default=256)
    options.add_argument("--files", type=int, default=4)
    options.add_argument("--rounds", type=int, default=5)
    given = options.parse_args()
    ways = {"fckd": by_fckd, "boto3": by_boto3}
    spent: dict[str, list[tuple[float, float]]] = {name: [] for name in ways}
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch) / "source"
        source.mkdir()
        for number in range(given.files):
            content = os.urandom(given.mebibytes * MEBIBYTE // given.files)
            (source / f"{number}.arrow").write_bytes(content)
        for _ in range(given.rounds):
            for name, way in ways.items():
                spent[name].append(way(given.address, source, Path(scratch)))
    rows = []
    for place, verb in enumerate(("put", "fetch")):
        for name, took in spent.items():
            rates = [given.mebibytes / pair[place] for pair in took]
            rows.append((f"{verb}, {name}, MiB a second", *median_and_range(rates)))
        ratios = [b[place] / f[place] for f, b in zip(*spent.values(), strict=True)]
        rows.append((f"{verb}, fckd's rate / boto3's", *median_and_range(ratios)))
    tell(("what", "median", "range"), rows, given.json)


if __name__ == "__main__":
    main()
