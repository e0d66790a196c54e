"""A corpus of 56,880 samples, as many as NTU RGB+D 60 has: opened, read, prepared.

Samples are small (a skeleton and an inertial series, 8.7 KB together), so that what is measured
is the cost of a sample, not of its bytes.

    python -m benchmarks.corpus_scale [--samples 56880] [--compared 5000] [--rounds 5]

Ratios are medians over rounds in which the ways of reading take turns. All that is read is in the
page cache.
"""

import argparse
import resource
import statistics
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import numpy as np
from rich.console import Console
from rich.table import Table

from fckd.config.networks import Modality
from fckd.data.blocks import BlockMaker
from fckd.data.corpus import Corpus
from fckd.data.reading import read_recordings
from fckd.data.shards import Columns, write_shard
from fckd.data.sources.base import Recording, Source
from fckd.data.writing import SAMPLES_PER_SHARD, write_corpus
from fckd.files import sha256_of_file

MODALITIES = (Modality.INERTIAL, Modality.SKELETON)
COLUMNS = Columns(tuple(MODALITIES), ("cross-subject",), {})
CLASSES = 60
Array = np.ndarray[Any, np.dtype[Any]]


class Small:
    """A source whose recordings are made in no time."""

    name = "synthetic"
    classes = tuple(f"class {number}" for number in range(CLASSES))

    def __init__(self) -> None:
        random = np.random.default_rng(0)
        self.skeleton = random.normal(size=(30, 20, 3)).astype(np.float32)
        self.inertial = random.normal(size=(64, 6)).astype(np.float32)

    def read(self, recording: Recording, modality: Modality) -> Array:
        """Return an array that tells the sample from the others."""
        array = self.skeleton if modality is Modality.SKELETON else self.inertial
        return array + np.float32(int(recording.sample_id))


def recordings(count: int) -> list[Recording]:
    """Return `count` recordings of 40 subjects."""
    return [
        Recording(
            f"{number:06d}",
            label=number % CLASSES,
            subject=1 + number % 40,
            camera=1,
            group=f"{number:06d}",
            splits={"cross-subject": "train" if number % 2 else "test"},
        )
        for number in range(count)
    ]


def seconds(action: Callable[[], object]) -> float:
    """Return how long `action` takes."""
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def memory() -> float:
    """Return the memory of this process that no file backs, MiB."""
    status = Path("/proc/self/status").read_text()
    return int(status.partition("RssAnon:")[2].split()[0]) / 1024


def shares(folder: Path) -> dict[str, float]:
    """Return microseconds a sample of each part of preparing one shard, on one core."""
    some = recordings(SAMPLES_PER_SHARD)
    source = cast(Source, Small())  # it reads, which is all that is asked here
    for name in ("corpus", "notes"):
        (folder / name).mkdir(parents=True)
    maker = BlockMaker(
        source,
        COLUMNS,
        folder / "corpus",
        folder / "notes",
    )
    samples = read_recordings(source, some, MODALITIES).samples
    path = folder / "shard"
    parts = {
        "reading": lambda: read_recordings(source, some, MODALITIES),
        "writing the shard": lambda: write_shard(path, samples, COLUMNS),
        "its checksum": lambda: sha256_of_file(path),
        "all, with digests and the note": lambda: maker.make(0, some),
    }
    return {
        name: 1e6 * statistics.median(seconds(part) for _ in range(20)) / len(some)
        for name, part in parts.items()
    }


def copied(arrays: Sequence[Array], order: Sequence[int], room: Array) -> None:
    """Copy arrays that lie in memory: the least that reading them can cost."""
    for index in order:
        np.copyto(room, arrays[index])


def read_corpus(corpus: Corpus, order: Sequence[int], room: Array) -> None:
    """Read and copy skeletons from the corpus."""
    for index in order:
        np.copyto(room, corpus.array(index, Modality.SKELETON))


def read_npy(folder: Path, order: Sequence[int], room: Array) -> None:
    """Read skeletons, each from a file of its own."""
    for index in order:
        np.copyto(room, np.load(folder / f"{index:06d}.npy"))


def write_tars(corpus: Corpus, count: int, folder: Path) -> list[str]:
    """Write skeletons as webdataset has them: tar files of a thousand samples."""
    folder.mkdir()
    paths = []
    for start in range(0, count, 1000):
        path = folder / f"{start:06d}.tar"
        with tarfile.open(path, "w") as archive:
            for index in range(start, min(start + 1000, count)):
                content = BytesIO()
                np.save(content, corpus.array(index, Modality.SKELETON))
                entry = tarfile.TarInfo(f"{index:06d}.npy")
                entry.size = content.tell()
                content.seek(0)
                archive.addfile(entry, content)
        paths.append(str(path))
    return paths


def read_tars(paths: list[str], room: Array) -> None:
    """Read skeletons in the order of the tar files: webdataset knows no other access."""
    import webdataset

    for sample in webdataset.WebDataset(paths, shardshuffle=False).decode():
        np.copyto(room, sample["npy"])


def ways(corpus: Corpus, count: int, folder: Path) -> dict[str, Callable[[], None]]:
    """Return the ways of reading `count` skeletons, by name."""
    random = np.random.default_rng(0).permutation(count).tolist()
    arrays = [np.array(corpus.array(index, Modality.SKELETON)) for index in range(count)]
    room = np.empty_like(arrays[0])
    (folder / "npy").mkdir()
    for index, array in enumerate(arrays):
        np.save(folder / "npy" / f"{index:06d}.npy", array)
    found: dict[str, Callable[[], None]] = {
        "copying from memory, random": lambda: copied(arrays, random, room),
        "corpus, random": lambda: read_corpus(corpus, random, room),
        "corpus, in order": lambda: read_corpus(corpus, range(count), room),
        "npy files, random": lambda: read_npy(folder / "npy", random, room),
    }
    try:
        import webdataset  # noqa: F401
    except ImportError:
        Console().print("webdataset is left out: it is not installed (pip install webdataset)")
    else:
        paths = write_tars(corpus, count, folder / "tars")
        found["webdataset, in order"] = lambda: read_tars(paths, room)
    return found


def rows(options: argparse.Namespace, folder: Path) -> Iterator[tuple[str, str]]:
    """Measure, and yield what was measured in words."""
    source, wanted = Small(), recordings(options.samples)
    target = folder / "corpus"
    taken = seconds(
        lambda: write_corpus(source, wanted, MODALITIES, target, lambda _: None)  # type: ignore[arg-type]
    )
    yield "prepare, all cores", f"{options.samples / taken:,.0f} samples/s ({taken:.1f} s)"
    parts = shares(folder / "parts")
    for name, cost in parts.items():
        yield f"prepare on one core: {name}", f"{cost:.0f} µs a sample"
    opened = [seconds(lambda: Corpus.open(target)) for _ in range(options.rounds)]
    yield "open", f"{statistics.median(opened):.3f} s (worst {max(opened):.3f} s)"
    corpus = Corpus.open(target)
    room = np.empty((30, 20, 3), np.float32)
    read_corpus(corpus, range(len(corpus)), room)
    before = memory()
    read_corpus(corpus, np.random.default_rng(1).permutation(len(corpus)).tolist(), room)
    yield "memory that a whole pass adds", f"{memory() - before:.2f} MiB"
    yield from _compared(corpus, min(options.compared, len(corpus)), options.rounds, folder)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    yield "greatest resident size of this process", f"{peak:,.0f} MiB"


def _compared(corpus: Corpus, count: int, rounds: int, folder: Path) -> Iterator[tuple[str, str]]:
    readers = ways(corpus, count, folder)
    taken: dict[str, list[float]] = {name: [] for name in readers}
    for _ in range(rounds):
        for name, reader in readers.items():
            taken[name].append(seconds(reader))
    ours = taken["corpus, random"]
    for name, times in taken.items():
        rate = count / statistics.median(times)
        ratio = statistics.median(one / other for one, other in zip(ours, times, strict=True))
        yield name, f"{rate:,.0f} samples/s; {ratio:.2f} of the rate of `corpus, random`"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=56_880)
    parser.add_argument("--compared", type=int, default=5_000)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    table = Table("what", "measured")
    with tempfile.TemporaryDirectory() as folder:
        for row in rows(options, Path(folder)):
            table.add_row(*row)
    Console(width=120).print(table)


if __name__ == "__main__":
    main()
