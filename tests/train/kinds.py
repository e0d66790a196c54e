"""Experiments of every kind, as fields of the small one: what each does differently in a step."""

from fckd.config.networks import READS
from fckd.config.objective import ObjectiveSettings
from tests.train.small import ALONE

EVERY_TERM = {f"objective.{term}.weight": 0.1 for term in ObjectiveSettings.model_fields}
SYNTHETIC = ("skeleton", "inertial", "depth", "rgb", "flow")
NETWORKS = {
    name: next(modality for modality in reads if modality in SYNTHETIC)
    for name, reads in READS.items()
}
KINDS = {
    "small": {},
    "alone": ALONE,
    "every term": {**EVERY_TERM, "training.batch_size": 3},
    "channels of the batch": {"focal.criterion": "variance", "focal.scope": "batch"},
    "random channels": {"focal.criterion": "random"},
    "together": {"teaching": "together"},
    "soft selection": {"focal.selection": "soft"},
    "confident teachers": {"weighting.rule": "confidence"},
    "in parts": {"training.micro_batch": 1},
    "dropout": {"student.dropout": 0.5},
    "excitation": {"student.excitation": True},
    "by group": {"student.normalization": "group"},
    "weights that change": {
        "objective.logits.decay": 0.5,
        "objective.correlation.warmup_epochs": 2,
    },
    "bones": {
        "student.modality": "skeleton",
        "student.network": "graph",
        "student.stream": "bone",
    },
    "stages": {
        "student.hallucination": True,
        "stages": {"own": 2, "hallucination": 2},
        "training.epochs": 6,
    },
    "bfloat16": {"training.precision": "bfloat16"},
}
