"""What a step of training costs on a GPU, and how much of it the GPU computes.

    python -m benchmarks.gpu_steps [--student paper] [--json FILE]

`paper`: a TSM student on ResNet-18 of the published width that sees RGB (8 frames, 112 × 112,
batches of 64), with TSM teachers on depth and flow and a graph network on skeletons, on the demo's
synthetic corpus. `demo` and `inertial`: the demo's student, and that of the UTD-MHAD inertial
space, each with a skeleton teacher. `alone`, `stored` and `live` are those of
`benchmarks.lesson_cost`.

Each runs with its step launched kernel by kernel, and as one CUDA graph; all take turns, epoch by
epoch, with readings in memory. Milliseconds of wall time are an epoch's, by its steps. `computing`
is the share of one more epoch in which any kernel or copy ran on the GPU, by torch's profiler.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch._C._autograd import DeviceType
from torch.profiler import ProfilerActivity, profile

from benchmarks.lesson_cost import METHOD, experiment, make, studies
from benchmarks.results import median_and_range, parser, tell
from fckd.config.documents import with_fields
from fckd.config.experiment import Experiment
from fckd.train.batches import batches_per_epoch
from fckd.train.loop import EpochResult, distill
from fckd.train.study import Study

GPU = torch.device("cuda")
ROUNDS = 5
TIMES = 2
"""Each sample comes in an epoch, whose first step measures gradients too."""
LONGEST = 10_000
"""Epochs that no run reaches."""
PRECISIONS = ("float32", "bfloat16")
HEAD = (
    "student",
    "teachers",
    "precision",
    "launched",
    "ms a step",
    "range",
    "of alone",
    "computing",
)


def main() -> None:
    """Measure and print a table."""
    options = parser(__doc__)
    options.add_argument("--student", choices=tuple(experiments()), help="this one only")
    given = options.parse_args()
    rows = []
    for name, described in experiments().items():
        if given.student in (None, name):
            for row in measured(name, described):
                print(*row, file=sys.stderr, flush=True)
                rows.append(row)
    tell(HEAD, rows, given.json)


def experiments() -> dict[str, Experiment]:
    """Return the three."""
    few = {"views.count": 2}
    video = {"modality": "rgb", "network": "video", "width": 48, "frames": 8, "size": 24}
    wrist = {"modality": "inertial", "network": "temporal", "width": 64, "frames": 96}
    teacher = {"modality": "skeleton", "network": "temporal", "width": 64, "frames": 32}
    teachers = {"skeleton": teacher | {"training": {"epochs": 30}}}
    demo, inertial = (
        Experiment.model_validate(METHOD | {"student": student, "teachers": teachers})
        for student in (video, wrist)
    )
    paper = with_fields(experiment("paper"), {**few, "training.batch_size": 64}, "the benchmark")
    return {
        "paper": paper,
        "demo": demo,
        "inertial": with_fields(inertial, {"training.batch_size": 32}, "the benchmark"),
    }


def measured(name: str, described: Experiment) -> Iterator[tuple[Any, ...]]:
    """Yield the rows of one student."""
    with tempfile.TemporaryDirectory() as scratch:
        workshop = make(described, Path(scratch).resolve(), GPU)
        found = studies(described, workshop, LONGEST)
        kinds = list(product(found, PRECISIONS, ("apart", "as a graph")))
        runs = {kind: distill(_as(found[kind[0]], *kind[1:]), GPU) for kind in kinds}
        spent = _in_turns(runs)
        for kind in kinds:
            teachers, precision, launched = kind
            steps = batches_per_epoch(_as(found[teachers], precision, launched))
            milliseconds = [1e3 * seconds / steps for seconds in spent[kind]]
            alone = spent["alone", precision, launched]
            ratios = [mine / theirs for mine, theirs in zip(spent[kind], alone, strict=True)]
            yield (
                name,
                *kind,
                *median_and_range(milliseconds),
                round(statistics.median(ratios), 2),
                round(_computing(runs[kind]), 2),
            )


def _as(study: Study, precision: str, launched: str) -> Study:
    changes = {"precision": precision, "cuda_graph": launched == "as a graph"}
    training = study.training.model_copy(update=changes)
    return replace(study, training=training, learn=np.tile(study.learn, TIMES))


def _in_turns(runs: dict[Any, Iterator[EpochResult]]) -> dict[Any, list[float]]:
    for run in runs.values():
        # The second one captures the step that measures gradients.
        next(run), next(run)
    spent: dict[Any, list[float]] = {kind: [] for kind in runs}
    for _ in range(ROUNDS):
        for kind, run in runs.items():
            spent[kind].append(next(run).metrics["seconds"])
    return spent


def _computing(run: Iterator[EpochResult]) -> float:
    with profile(activities=[ProfilerActivity.CUDA]) as seen:
        torch.cuda.synchronize()
        begun = time.perf_counter()
        next(run)
        torch.cuda.synchronize()
        spent = time.perf_counter() - begun
    # torch's own list of events takes minutes to make of an epoch's.
    ran = sorted(
        (event.start_ns(), event.start_ns() + event.duration_ns())
        for event in seen.profiler.kineto_results.events()
        if event.device_type() == DeviceType.CUDA
    )
    busy, until = 0.0, 0.0
    for start, end in ran:
        busy += max(0.0, end - max(start, until))
        until = max(until, end)
    return busy / 1e9 / spent


if __name__ == "__main__":
    main()
