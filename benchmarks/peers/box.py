"""With torchdistill: its distillation box, hooks, losses and optimiser, by its configuration.

torchdistill imports torchvision for the image models and data sets that it knows by name. None is
used here; where torchvision cannot be imported (beside a torch for CPUs it often cannot), empty
modules of these names take its place. What runs is torchdistill's own, all of it.
"""

import importlib.util
import logging
import sys
from collections.abc import Iterator
from types import ModuleType

import torch
from torch.utils.data import RandomSampler

from benchmarks.peers.common import BATCH, TEMPERATURE, Ground, Reading

NAMES = {
    "torchvision": (),
    "torchvision.datasets": (),
    "torchvision.models": (),
    "torchvision.models.detection": (),
    "torchvision.models.segmentation": (),
    "torchvision.models.densenet": ("_DenseBlock", "_Transition"),
    "torchvision.models.resnet": ("BasicBlock", "conv1x1"),
}
"""Of torchvision, what torchdistill imports."""

MAP = {"path": "embedding", "io": "output"}
CRITERION = {
    "key": "WeightedSumLoss",
    "kwargs": {
        "sub_terms": {
            # alpha 0 leaves the factor T² out as well as the cross-entropy
            "kd": {
                "criterion": {
                    "key": "KDLoss",
                    "kwargs": {
                        "student_module_path": ".",
                        "student_module_io": "output",
                        "teacher_module_path": ".",
                        "teacher_module_io": "output",
                        "temperature": TEMPERATURE,
                        "alpha": 0,
                    },
                },
                "weight": TEMPERATURE**2,
            },
            # Σ / (C·N²); ours is Σ / (C·N)
            "ickd": {
                "criterion": {
                    "key": "ChSimLoss",
                    "kwargs": {"feature_pairs": {"map": {"student": MAP, "teacher": MAP}}},
                },
                "weight": float(BATCH),
            },
            "ce": {
                "criterion": {"key": "CrossEntropyLoss", "kwargs": {}},
                "criterion_wrapper": {
                    "key": "SimpleLossWrapper",
                    "kwargs": {
                        "input": {"is_from_teacher": False, "module_path": ".", "io": "output"},
                        "target": {"uses_label": True},
                    },
                },
                "weight": 1.0,
            },
        }
    },
}


def epochs(ground: Ground, learning_rate: float, count: int) -> Iterator[float]:
    """Train the student epoch by epoch; yield the mean loss of each."""
    stand_in_for_torchvision()
    from torchdistill.core.distillation import get_distillation_box

    logging.getLogger("torchdistill").setLevel(logging.WARNING)
    box = get_distillation_box(
        Reading(ground.teacher, 1, None),
        Reading(ground.student, 0, ground.embedding),
        {"train": ground.train},
        configuration(learning_rate, count),
        torch.device("cpu"),
        None,
        False,
        1,
    )
    for epoch in range(count):
        box.pre_epoch_process(epoch=epoch)
        losses = []
        for batch, targets, extra in box.train_data_loader:
            box.pre_forward_process()
            loss = box.forward_process(batch, targets, extra)
            box.post_forward_process(loss)
            losses.append(loss.detach())
        box.post_epoch_process()
        yield float(torch.stack(losses).mean())


def configuration(learning_rate: float, count: int) -> dict[str, object]:
    """Return what torchdistill reads from a YAML file."""
    model = {"forward_hook": {"output": ["embedding"]}, "forward_proc": "forward_batch_only"}
    return {
        "num_epochs": count,
        "train_data_loader": {
            "dataset_id": "train",
            "sampler": {"class_or_func": RandomSampler},
            "kwargs": {"batch_size": BATCH, "drop_last": True},
        },
        "teacher": {**model, "requires_grad": False},
        "student": {**model, "requires_grad": True},
        "optimizer": {"key": "AdamW", "kwargs": {"lr": learning_rate}},
        "criterion": CRITERION,
    }


def value(
    student: torch.Tensor,
    embedded: torch.Tensor,
    teacher: torch.Tensor,
    features: torch.Tensor,
    labels: torch.Tensor,
) -> torch.Tensor:
    """Return its loss of a batch of `BATCH`."""
    stand_in_for_torchvision()
    import torchdistill.losses.high_level
    import torchdistill.losses.mid_level  # noqa: F401  (registers)
    from torchdistill.losses.registry import get_high_level_loss

    said = {
        "student": {".": {"output": student}, "embedding": {"output": embedded}},
        "teacher": {".": {"output": teacher}, "embedding": {"output": features}},
    }
    found: torch.Tensor = get_high_level_loss(CRITERION)(said, {}, labels)
    return found


def stand_in_for_torchvision() -> None:
    """Put empty modules where torchdistill looks for torchvision's, unless that is installed."""
    if "torchvision" in sys.modules or importlib.util.find_spec("torchvision"):
        return
    for name, members in NAMES.items():
        module = ModuleType(name)
        vars(module).update({member: type(member, (), {}) for member in members})
        sys.modules[name] = module
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, module)
