"""A small world: three actions, four people, a student with a wrist sensor and two teachers.

Subject 1 learns (6 samples), 3 validates (6), 2 and 4 test (12).
"""

from pathlib import Path

import torch

from fckd.config.documents import with_fields
from fckd.config.experiment import Experiment
from fckd.train.loop import distill
from fckd.train.workshop import Workshop

LEARNING = 6
TERMS = (
    "cross_entropy",
    "logits",
    "correlation/skeleton",
    "distribution/skeleton",
    "correlation/depth",
    "distribution/depth",
)

BASE = Experiment.model_validate(
    {
        "corpus": {
            "source": "synthetic",
            "validation_subjects": (3,),
            "synthetic": {
                "actions": 3,
                "subjects": 4,
                "cameras": 1,
                "repetitions": 2,
                "size": 20,
            },
        },
        "views": {"count": 2},
        "student": {"modality": "inertial", "network": "temporal", "width": 8, "frames": 16},
        "teachers": {
            "skeleton": {
                "modality": "skeleton",
                "network": "temporal",
                "width": 8,
                "frames": 16,
                "training": {"epochs": 1, "batch_size": 2},
            },
            "depth": {
                "modality": "depth",
                "network": "video",
                "width": 8,
                "frames": 4,
                "size": 16,
                "training": {"epochs": 1, "batch_size": 2},
            },
        },
        "objective": {
            "correlation": {"weight": 1.0},
            "distribution": {"weight": 1.0, "positions": 4},
            "logits": {"weight": 1.0},
        },
        "training": {"epochs": 2, "batch_size": 2},
    }
)
DEAD = {"teachers.skeleton.frames": 4}
"""Four frames leave the skeleton teacher's map one position: its distribution is constant."""


def changed(fields=None, /, **training):
    """Return the experiment with dotted fields set, and `training` fields by keyword."""
    named = {f"training.{name}": value for name, value in training.items()}
    return with_fields(BASE, {**(fields or {}), **named}, "the test")


def without_terms(*terms):
    return {f"objective.{term}.weight": 0.0 for term in terms}


ALONE = without_terms("correlation", "distribution", "logits")


def make(workshop: Workshop, experiment, part="train"):
    """Train the teachers and write their lessons, where they are missing."""
    for name in experiment.teachers:
        for _ in workshop.teach(experiment, name, part):
            pass
        for _ in workshop.make_lessons(experiment, name, part):
            pass


def trained(study, resume=None):
    """Return the result of the last epoch."""
    *_, last = distill(study, resume=resume)
    return last


def state(network):
    """Return a copy of a network's weights and buffers."""
    return {name: value.clone() for name, value in network.state_dict().items()}


def same(one, other):
    """Return whether two states are bit-equal."""
    return one.keys() == other.keys() and all(one[name].equal(other[name]) for name in one)


def told(result):
    """Return an epoch's metrics but for its duration."""
    return {name: value for name, value in result.metrics.items() if name != "seconds"}


def content(folder: Path):
    """Return the names of what a folder holds, hidden files and locks too."""
    return sorted(path.name for path in folder.iterdir())


def unsorted_features(lesson):
    """Return a whole lesson's features in the teacher's own order of channels."""
    back = lesson.channels.argsort(dim=1)
    return torch.stack([f[c] for f, c in zip(lesson.features, back, strict=True)])
