"""Teachers: trained once, frozen, kept under the fingerprint of what they were made from."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file

from fckd.config.experiment import AnyTeacher
from fckd.errors import UserError
from fckd.files import new_folder, sha256_of_file, write_json
from fckd.models.fusion.table import build_any_network
from fckd.models.network import ActionNetwork
from fckd.train.checkpoints import load_checkpoint, save_checkpoint
from fckd.train.loop import EpochResult, distill
from fckd.train.study import Study
from fckd.train.world import World

WEIGHTS = "model.safetensors"
RECORD = "teacher.json"
CHECKPOINT = ".pt"
"""Behind the folder's name, of the file beside it."""


@dataclass(frozen=True)
class Teacher:
    """A frozen network in evaluation mode."""

    network: ActionNetwork
    settings: AnyTeacher


def train_teacher(
    study: Study, key: Mapping[str, Any], folder: Path, device: torch.device
) -> Iterator[EpochResult]:
    """Train a teacher epoch by epoch; after the last one its folder appears, whole.

    It goes on from the checkpoint beside the folder, if an earlier training left one. This process
    trains it alone, whatever group it is in; nobody else may train it at the same time.

    Args:
        study: The teacher's own study, without lessons.
        key: What it is made from, kept beside the weights.
        folder: Where, named by the key's fingerprint.
        device: Where to train.
    """
    result, checkpoint = None, folder.with_suffix(CHECKPOINT)
    resume = load_checkpoint(checkpoint, device)
    for result in distill(study, device, resume, World(alone=True)):
        if result.epoch < study.training.epochs:
            save_checkpoint(checkpoint, result.checkpoint())
        yield result
    if result is None:
        raise ValueError("a teacher needs at least one epoch")
    with new_folder(folder) as temporary:
        state = {name: value.cpu() for name, value in result.network.state_dict().items()}
        save_file(state, temporary / WEIGHTS)
        record = {
            "key": dict(key),
            "shapes": study.readings.shapes,
            "classes": study.classes,
            "metrics": result.metrics,
            "sha256": sha256_of_file(temporary / WEIGHTS),
        }
        write_json(temporary / RECORD, record)
    checkpoint.unlink(missing_ok=True)


def load_teacher(folder: Path, settings: AnyTeacher, device: torch.device) -> Teacher:
    """Load a frozen teacher.

    Raises:
        UserError: The folder is absent or its weights do not have the recorded checksum.
    """
    record = read_record(folder)
    found = sha256_of_file(folder / WEIGHTS)
    if found != record["sha256"]:
        raise UserError(
            f"{folder / WEIGHTS} has the SHA-256 {found}",
            f"{record['sha256']}, as recorded when it was trained",
            "delete the folder and run again: the teacher is trained anew",
        )
    shapes = tuple(map(tuple, record["shapes"]))
    network = build_any_network(settings, shapes, record["classes"])
    network.load_state_dict(load_file(folder / WEIGHTS))
    network.requires_grad_(requires_grad=False)
    return Teacher(network.eval().to(device), settings)


def read_record(folder: Path) -> dict[str, Any]:
    """Return what was recorded beside a teacher's weights: `key`, `metrics`, `sha256`, ….

    Raises:
        UserError: There is no teacher in `folder`.
    """
    try:
        record: dict[str, Any] = json.loads((folder / RECORD).read_text())
    except (OSError, ValueError) as refusal:
        raise UserError(
            f"no readable teacher in {folder}: {refusal}",
            f"{RECORD} and {WEIGHTS}, written by `fckd teach`",
            "run `fckd teach` first, or delete the folder and run again",
        ) from refusal
    return record
