"""Epochs of several trainings, taken in turns within one process."""

import time
from collections.abc import Iterator, Mapping

import numpy as np

from fckd.train.study import Study


def everything(study: Study) -> tuple[np.ndarray, np.ndarray]:
    """Return all samples and views that may be learnt from."""
    count = study.views.count
    return np.repeat(study.learn, count), np.tile(np.arange(1, count + 1), len(study.learn))


def cpu_seconds(runs: Mapping[str, Iterator[object]], rounds: int) -> dict[str, list[float]]:
    """Return the CPU seconds of one epoch a round of each run.

    The first epoch of each comes before the rounds: it does what no other does.
    """
    for run in runs.values():
        next(run)
    spent: dict[str, list[float]] = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            begun = time.process_time()
            next(run)
            spent[name].append(time.process_time() - begun)
    return spent
