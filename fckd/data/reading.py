"""Raw files to samples, by several processes when there is much to read."""

import multiprocessing
import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial

from fckd.config.networks import Modality
from fckd.data.shards import Sample
from fckd.data.sources.base import NobodySeenError, Recording, Source

WORTH_A_POOL = 64
"""Samples; fewer are read sooner than worker processes start."""
CHUNK = 8
"""Samples that a worker takes at a time."""


def read_samples(
    source: Source, recordings: Sequence[Recording], modalities: Sequence[Modality]
) -> Iterator[Sample | None]:
    """Yield every recording with its arrays, in the order given; None where nobody is seen.

    Raises:
        UserError: A raw file cannot be read; what was still to be read is dropped.
    """
    read = partial(read_sample, source, modalities)
    if len(recordings) < WORTH_A_POOL:
        yield from map(read, recordings)
        return
    # spawn, not fork: the caller may hold threads (Arrow, torch, Ray) that do not survive a fork
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(os.cpu_count(), mp_context=context) as pool:
        yield from pool.map(read, recordings, chunksize=CHUNK)


def read_sample(
    source: Source, modalities: Sequence[Modality], recording: Recording
) -> Sample | None:
    """Return one recording with its arrays; None if it shows nobody."""
    try:
        arrays = {modality: source.read(recording, modality) for modality in modalities}
    except NobodySeenError:
        return None
    return Sample(recording, arrays)
