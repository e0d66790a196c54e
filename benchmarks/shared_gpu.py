"""Trials that share a GPU as processes: steps a second of all of them together.

    python -m benchmarks.shared_gpu [--student depth] [--json FILE]

The UTD-MHAD depth and inertial students (batches of 16 and 32), taught by stored lessons of a
skeleton teacher, each in a process of its own as fckd's workers are, steps as CUDA graphs, on the
demo's synthetic corpus. `turns`: the GPU gives each process a slice of time. `together`: NVIDIA's
Multi-Process Service (`nvidia-cuda-mps-control`, which is started here and ended again) runs the
kernels of several processes at once. `times` is against a single process that takes turns with
none.
"""

import multiprocessing
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from multiprocessing.queues import Queue
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.lesson_cost import METHOD, PART, ROUGH, make
from benchmarks.results import parser, tell
from fckd.config.experiment import Experiment
from fckd.train.batches import batches_per_epoch
from fckd.train.loop import distill
from fckd.train.workshop import Workshop

PROCESSES = (1, 4, 8, 15)
SECONDS = 4.0
"""Of each measurement, rounded up to whole epochs."""
STEPS = 100
"""An epoch has at least, as one of UTD-MHAD with its views has some tens."""
LONGEST = 10_000
CONTROL = "nvidia-cuda-mps-control"
SERVICE = "CUDA_MPS_PIPE_DIRECTORY"
HEAD = ("student", "processes", "share the GPU", "steps a second", "times")
STUDENTS: dict[str, tuple[dict[str, Any], int]] = {
    "depth": (
        {"modality": "depth", "network": "video", "width": 96, "frames": 8, "size": 32},
        16,
    ),
    "inertial": (
        {"modality": "inertial", "network": "temporal", "width": 64, "frames": 96},
        32,
    ),
}
"""Network, and size of a batch."""


def main() -> None:
    """Measure and print a table."""
    options = parser(__doc__)
    options.add_argument("--student", choices=tuple(STUDENTS), help="this one only")
    given = options.parse_args()
    torch.set_num_threads(1)
    rows = []
    for name in STUDENTS:
        if given.student in (None, name):
            for row in measured(name):
                print(*row, file=sys.stderr, flush=True)
                rows.append(row)
    tell(HEAD, rows, given.json)


def measured(name: str) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of one student."""
    described = _experiment(name)
    with tempfile.TemporaryDirectory() as scratch:
        storage = Path(scratch).resolve()
        workshop = make(described, storage)
        place = storage, Path(workshop.corpus.folder)
        alone = 0.0
        for way in ("turns", "together"):
            if way == "together" and shutil.which(CONTROL) is None:
                print(f"no {CONTROL} here: not measured together", file=sys.stderr)
                return
            with _service(storage) if way == "together" else nullcontext():
                for count, rate in _rates(described, place):
                    alone = alone or rate
                    yield name, count, way, rate, rate / alone


def _experiment(name: str) -> Experiment:
    student, batch_size = STUDENTS[name]
    teacher = {"modality": "skeleton", "network": "temporal", "width": 128, "frames": 32}
    return Experiment.model_validate(
        METHOD
        | {
            "student": student,
            "teachers": {"skeleton": teacher | ROUGH},
            "training": METHOD["training"] | {"batch_size": batch_size},
        }
    )


@contextmanager
def _service(folder: Path) -> Iterator[None]:
    """Run the service for the processes that begin meanwhile."""
    asked = {SERVICE: str(folder / "mps"), "CUDA_MPS_LOG_DIRECTORY": str(folder)}
    (folder / "mps").mkdir(exist_ok=True)
    before = {name: os.environ.get(name) for name in asked}
    os.environ |= asked
    subprocess.run([CONTROL, "-d"], check=True)  # noqa: S603
    try:
        yield
    finally:
        subprocess.run([CONTROL], input="quit\n", text=True, check=True)  # noqa: S603
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _rates(described: Experiment, place: tuple[Path, Path]) -> Iterator[tuple[int, float]]:
    """Yield by number of processes the steps a second of all."""
    spawned = multiprocessing.get_context("spawn")
    most = PROCESSES[-1]
    ready, told = spawned.Barrier(most), spawned.Queue()
    workers = [
        spawned.Process(target=_train, args=(number, described, place, ready, told), daemon=True)
        for number in range(most)
    ]
    for worker in workers:
        worker.start()
    for count in PROCESSES:
        yield count, sum(told.get(timeout=240) for _ in range(count))
    for worker in workers:
        worker.join()


def _train(
    number: int,
    described: Experiment,
    place: tuple[Path, Path],
    ready: Barrier,
    told: "Queue[float]",
) -> None:
    torch.set_num_threads(1)
    device = torch.device("cuda")
    study = Workshop(*place, device).study(described, PART)
    often = -(-STEPS // batches_per_epoch(study))
    changes: Mapping[str, Any] = {"epochs": LONGEST, "seed": number, "cuda_graph": True}
    study = replace(
        study,
        measure_every_epoch=False,
        training=study.training.model_copy(update=changes),
        learn=np.tile(study.learn, often),
    )
    steps = batches_per_epoch(study)
    run = distill(study, device)
    next(run), next(run)
    for count in PROCESSES:
        ready.wait()
        if number < count:
            begun, epochs = time.perf_counter(), 0
            while time.perf_counter() - begun < SECONDS:
                next(run)
                epochs += 1
            told.put(steps * epochs / (time.perf_counter() - begun))
    ready.wait()


if __name__ == "__main__":
    main()
