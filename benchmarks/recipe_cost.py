"""GPU-hours of the spaces whose recordings were not at hand: an estimate, no measurement.

    python -m benchmarks.recipe_cost [--taught 0.35] [--alone 0.28] [--gpus 8] [--json FILE]

Counted: samples of the official training part, epochs, trials, finalists, baselines, seeds and
protocols of the space. Stated: milliseconds of a training step for each of its samples, taught and
alone, which are those of one H200, as graphs (docs/speed.md: 22.5 and 18.2 ms for 64).
Assumed: no trial ends early; every teacher costs as much as a student alone, and learns once for
the search and once to confirm; readings are there in time; lessons, evaluation and start-up are
free; as many trials run at a time as there are GPUs.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.results import parser, tell
from fckd.config.documents import read_document, validate
from fckd.config.space import Space
from fckd.sweep.arms import confirmation_runs

SAMPLES = {"ntu60": 40_091, "n_ucla": 1_020, "hmdb51_rgb": 3_570}
"""Of the official training part: cross-subject, cameras 1 and 2, one split."""
HEAD = ("space", "samples learnt from, millions", "GPU-hours", "hours on all GPUs", "command")


def main() -> None:
    """Print the table."""
    options = parser(__doc__)
    options.add_argument("--taught", type=float, default=0.35)
    options.add_argument("--alone", type=float, default=0.28)
    options.add_argument("--gpus", type=int, default=8)
    given = options.parse_args()
    tell(HEAD, rows(given.taught, given.alone, given.gpus), given.json)


def rows(taught: float, alone: float, gpus: int) -> Iterator[tuple[Any, ...]]:
    """Yield a row for each space."""
    for name, samples in SAMPLES.items():
        space = validate(Space, read_document(Path(f"{name}.yaml")), name)
        students, teachers = passes(space)
        hours = samples * (students * taught + teachers * alone) / 3.6e6
        millions = samples * (students + teachers) / 1e6
        command = f"fckd sweep tune_spaces/{name}.yaml --data DIR --set execution.groups={gpus}"
        yield name, millions, hours, hours / gpus, f"`{command}`"


def passes(space: Space) -> tuple[int, int]:
    """Return how often all samples are learnt from, by students and by teachers."""
    experiment, confirmed = space.experiment, space.confirmation
    protocols = max(1, len(confirmed.protocols))
    runs = space.budget.trials + confirmation_runs(confirmed)
    epochs = [teacher.training.epochs for teacher in experiment.teachers.values()]
    return runs * experiment.training.epochs, sum(epochs) * (1 + protocols)


if __name__ == "__main__":
    main()
