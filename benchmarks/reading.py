"""Reading from the page cache against copying the same bytes, plain files, and webdataset.

    python -m benchmarks.reading [--rounds 7] [--json FILE]

Clips: 200 of 16 frames of 112 × 112 pixels in colour, as they are in memory (`raw`), one after the
other in random order, copied into memory that is there already. Lessons: 600 of 512 channels at 128
positions, in random batches of 32, at several ratios: their float16 features copied, or read from
the store, which makes float32 of them and reads logits and the channels' numbers besides. Ways of
reading take turns within one process of one thread; rates are medians, ratios of the same round.
webdataset (pip install webdataset) reads its tar files in their own order: it knows no other.
"""

import statistics
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.results import median_and_range, parser, tell
from fckd.config.experiment import FocalSettings
from fckd.config.networks import Modality
from fckd.data.corpus import Corpus
from fckd.data.sources.base import Recording
from fckd.data.writing import write_corpus
from fckd.train.lesson_blocks import LessonBlocks
from fckd.train.lessons import LessonRows, LessonShape, LessonStore, Wish

CLIPS, CLIP = 200, (16, 112, 112, 3)
LESSONS, BATCH, SHAPE = 600, 32, LessonShape(60, 512, (8, 4, 4))
RATIOS = (1.0, 0.5, 0.125)
CPU = torch.device("cpu")
Array = np.ndarray[Any, np.dtype[Any]]
Ways = dict[str, Callable[[], object]]


class Clips:
    """A source of noise."""

    name = "synthetic"
    classes = ("noise",)

    def read(self, recording: Recording, _modality: Modality) -> Array:
        """Return a clip of its own."""
        random = np.random.default_rng(int(recording.sample_id))
        return random.integers(0, 256, CLIP, dtype=np.uint8)


def main() -> None:
    """Measure and print a table."""
    options = parser(__doc__)
    options.add_argument("--rounds", type=int, default=7)
    given = options.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        tell(("what", "MB/s", "of copying", "range"), rows(Path(folder), given.rounds), given.json)


def rows(folder: Path, rounds: int) -> Iterator[tuple[str, float, float, str]]:
    """Yield a row for each way of reading."""
    yield from _compared("clips: ", clip_ways(folder), CLIPS * int(np.prod(CLIP)), rounds)
    store = lesson_store(folder)
    for ratio in RATIOS:
        size = LESSONS * round(ratio * SHAPE.channels) * SHAPE.positions * 2
        yield from _compared(f"lessons at {ratio}: ", lesson_ways(store, ratio), size, rounds)


def _compared(
    what: str, ways: Ways, size: int, rounds: int
) -> Iterator[tuple[str, float, float, str]]:
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for name, way in (*ways.items(), *rounds * list(ways.items())):
        begun = time.perf_counter()
        way()
        spent[name].append(time.perf_counter() - begun)
    for name, times in spent.items():
        ratios = [one / mine for one, mine in zip(spent["copying"][1:], times[1:], strict=True)]
        rate = size / statistics.median(times[1:]) / 1e6
        yield (what + name, rate, *median_and_range(ratios))


def clip_ways(folder: Path) -> Ways:
    """Return the ways of reading all clips."""
    corpus = _corpus(folder / "corpus")
    order = np.random.default_rng(0).permutation(CLIPS).tolist()
    arrays = [np.array(corpus.array(number, Modality.RGB)) for number in range(CLIPS)]
    room = np.empty(CLIP, np.uint8)
    (folder / "npy").mkdir()
    for number, array in enumerate(arrays):
        np.save(folder / "npy" / f"{number}.npy", array)

    def each(read: Callable[[int], Array]) -> Callable[[], None]:
        def all_of_them() -> None:
            for number in order:
                np.copyto(room, read(number))

        return all_of_them

    ways: Ways = {
        "copying": each(lambda number: arrays[number]),
        "corpus": each(lambda number: corpus.array(number, Modality.RGB)),
        "npy files": each(lambda number: np.load(folder / "npy" / f"{number}.npy")),
    }
    try:
        import webdataset
    except ImportError:
        print("webdataset is left out: it is not installed (pip install webdataset)")
        return ways
    tar = _tar(arrays, folder / "clips.tar")

    def in_order() -> None:
        for sample in webdataset.WebDataset([str(tar)], shardshuffle=False).decode():
            np.copyto(room, sample["npy"])

    return {**ways, "webdataset": in_order}


def lesson_ways(store: LessonStore, ratio: float) -> Ways:
    """Return the ways of reading all lessons: the store's, and copying as many features."""
    order = np.random.default_rng(0).permutation(LESSONS)
    batches = [order[start : start + BATCH] for start in range(0, LESSONS, BATCH)]
    focal = FocalSettings(ratio=ratio)
    kept = round(ratio * SHAPE.channels)
    features = np.ones((LESSONS, kept, SHAPE.positions), np.float16)
    room = np.empty((BATCH, kept, SHAPE.positions), np.float16)

    def copy() -> None:
        for batch in batches:
            np.take(features, batch, axis=0, out=room[: len(batch)], mode="clip")

    def read() -> None:
        for batch in batches:
            views = np.ones_like(batch)
            store.read(batch, views, Wish(focal, False, (batch, views)), CPU)

    return {"copying": copy, "store": read}


def lesson_store(folder: Path) -> LessonStore:
    """Write lessons of noise and open them."""
    random = np.random.default_rng(0)

    def make(block: range) -> LessonRows:
        shape = len(block), SHAPE.channels
        return LessonRows(
            random.normal(size=(len(block), SHAPE.classes)).astype(np.float32),
            random.random((*shape, SHAPE.positions), dtype=np.float32),
            np.tile(np.arange(SHAPE.channels, dtype=np.int16), (len(block), 1)),
            np.sort(random.random(shape, dtype=np.float32))[:, ::-1].copy(),
        )

    blocks = LessonBlocks(folder / "lessons", SHAPE, [range(LESSONS)])
    for _ in blocks.fill(make):
        pass
    blocks.close({}, list(range(LESSONS)), views=1)
    return LessonStore(folder / "lessons", {})


def _corpus(folder: Path) -> Corpus:
    wanted = [
        Recording(f"{number:04d}", 0, 1 + number % 4, 1, str(number), {"cross-subject": "train"})
        for number in range(CLIPS)
    ]
    write_corpus(Clips(), wanted, (Modality.RGB,), folder, lambda _: None)  # type: ignore[arg-type]
    return Corpus.open(folder)


def _tar(arrays: list[Array], path: Path) -> Path:
    with tarfile.open(path, "w") as archive:
        for number, array in enumerate(arrays):
            content = BytesIO()
            np.save(content, array)
            entry = tarfile.TarInfo(f"{number:04d}.npy")
            entry.size = content.tell()
            content.seek(0)
            archive.addfile(entry, content)
    return path


if __name__ == "__main__":
    main()
