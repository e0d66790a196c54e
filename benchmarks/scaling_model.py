"""What an epoch of `tune_spaces/ntu60.yaml` costs on 8, 64 and 512 GPUs: a model, no measurement.

    python -m benchmarks.scaling_model [--step-milliseconds 200] [--inside 200] [--between 25]
                                       [--json FILE]

Counted: the bytes of gradients of student and embeddings, and the bytes of lessons that a sample
reads. Stated: the step of one GPU (`--step-milliseconds`: not measured here, give your own); GB a
second of a GPU to the others of its node of 8 (`--inside`), of a node to the others (`--between`);
10 µs for each message. Assumed: every GPU has the same batch however many there are; gradients are
averaged in a ring inside each node and one between the nodes; `hidden` is what fits behind the
backward pass, two thirds of a step, as DistributedDataParallel has it, `in turn` hides nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import torch

from benchmarks.results import parser, tell
from fckd.config.documents import read_document, validate
from fckd.config.experiment import Experiment
from fckd.config.networks import NetworkSettings
from fckd.config.space import Space
from fckd.data.readings import reading_shape
from fckd.distill.embedding import Embedding
from fckd.distill.focal import focal_count
from fckd.models.network import ActionNetwork
from fckd.models.table import build_network

GPUS = (1, 8, 64, 512)
A_NODE = 8
MESSAGE_SECONDS = 10e-6
BACKWARD = 2 / 3
CLASSES, JOINTS = 60, 50
GIGA, MEGA = 1e9, 1e6
SINGLE, HALF, SHORT = 4, 2, 2


@dataclass(frozen=True)
class Counted:
    """Bytes of a step's gradients, and of the lessons of one sample."""

    gradients: int
    lessons: int


def counted(experiment: Experiment) -> Counted:
    """Count without computing anything."""
    with torch.device("meta"):
        student = _network(experiment.student)
        gradients, lessons = _size(student), 0
        for settings in experiment.teachers.values():
            teacher = _network(settings)
            shape = reading_shape(cast(NetworkSettings, settings), JOINTS)
            grid = teacher.eval()(torch.empty(1, *shape)).features.shape[2:]
            channels = teacher.feature_channels
            gradients += _size(Embedding(student.feature_channels, channels))
            focal = focal_count(experiment.focal, channels) * grid.numel() * HALF
            lessons += focal + channels * (SHORT + SINGLE) + CLASSES * SINGLE
    return Counted(gradients * SINGLE, lessons)


def averaging(gpus: int, size: int, inside: float, between: float) -> float:
    """Return the seconds to average gradients of `size` bytes over `gpus` GPUs."""
    nodes = max(1, gpus // A_NODE)
    return _ring(min(gpus, A_NODE), size, inside) + _ring(nodes, size, between)


def rows(found: Counted, batch: int, given: Any) -> Iterator[tuple[Any, ...]]:
    """Yield a row for each number of GPUs."""
    step = given.step_milliseconds / 1e3
    for gpus in GPUS:
        took = averaging(gpus, found.gradients, given.inside * GIGA, given.between * GIGA)
        in_turn, hidden = step / (step + took), step / max(step, step * (1 - BACKWARD) + took)
        lessons = found.lessons * batch * min(gpus, A_NODE) / step / MEGA
        yield gpus, 1e3 * took, in_turn, hidden, gpus * batch / step * hidden, lessons


def _network(settings: Any) -> ActionNetwork:
    return build_network(settings, reading_shape(settings, JOINTS), CLASSES)


def _size(module: torch.nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def _ring(members: int, size: int, speed: float) -> float:
    return 2 * (members - 1) * (size / members / speed + MESSAGE_SECONDS)


def main() -> None:
    """Count, and print the model's answer."""
    options = parser(__doc__)
    options.add_argument("--step-milliseconds", type=float, default=200.0)
    options.add_argument("--inside", type=float, default=200.0)
    options.add_argument("--between", type=float, default=25.0)
    given = options.parse_args()
    space = validate(Space, read_document(Path("ntu60.yaml")), "ntu60")
    found, batch = counted(space.experiment), space.experiment.training.batch_size
    print(
        f"{found.gradients / MEGA:.1f} MB of gradients a step, "
        f"{found.lessons / MEGA:.3f} MB of lessons a sample, {batch} samples a GPU and step\n"
    )
    head = (
        "GPUs",
        "ms to average gradients",
        "of linear, in turn",
        "of linear, hidden",
        "samples a second, hidden",
        "MB of lessons a second and node",
    )
    tell(head, rows(found, batch, given), given.json)


if __name__ == "__main__":
    main()
