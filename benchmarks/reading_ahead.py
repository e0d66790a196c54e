"""What reading ahead of a GPU saves: `python -m benchmarks.reading_ahead [--json FILE]`.

Batches of eight readings (RGB, 16 frames of 112 × 112 pixels, JPEG, of the demo's figure) are made
of the corpus for a device that computes for as long as one thread takes to make a batch. The device
is a pause: it takes no core, as a GPU takes none. Rounds of all numbers of threads take turns.
"""

import statistics
import time
from collections.abc import Callable
from functools import partial

import numpy as np

from benchmarks.frame_coding import clips, reading, stored
from benchmarks.results import median_and_range, parser, tell
from fckd.config.networks import Modality
from fckd.data.forms import Array
from fckd.data.frames import EncodedFrames
from fckd.train.ahead import ahead

THREADS, ROUNDS, BATCHES, BATCH = (0, 1, 2), 5, 12, 8


def main() -> None:
    """Measure every number of threads and print a table."""
    given = parser(__doc__).parse_args()
    modality, clip = clips()["rgb of figure"]
    make = partial(_batch, modality, stored(clip, "jpeg"))
    step = statistics.median(_seconds_of(partial(make, number)) for number in range(ROUNDS))
    spent: dict[int, list[float]] = {threads: [] for threads in THREADS}
    for _ in range(ROUNDS):
        for threads in THREADS:
            spent[threads].append(_seconds_of(partial(_consume, make, threads, step)))
    print(f"one thread makes a batch in {1e3 * step:.0f} ms, and so long the device computes")
    rows = []
    for threads, seconds in spent.items():
        ratios = [mine / none for mine, none in zip(seconds, spent[0], strict=True)]
        waits = [1 - BATCHES * step / mine for mine in seconds]
        rows.append((threads, *median_and_range(ratios), statistics.median(waits)))
    tell(("threads", "time, of none", "range", "share that the device waits"), rows, given.json)


def _consume(make: Callable[[int], Array], threads: int, step: float) -> None:
    for _ in ahead(range(BATCHES), make, threads):
        time.sleep(step)


def _batch(modality: Modality, frames: EncodedFrames, number: int) -> Array:
    views = range(1 + BATCH * number, 1 + BATCH * (number + 1))
    return np.stack([reading(modality, frames, view) for view in views])


def _seconds_of(action: Callable[[], object]) -> float:
    begun = time.perf_counter()
    action()
    return time.perf_counter() - begun


if __name__ == "__main__":
    main()
