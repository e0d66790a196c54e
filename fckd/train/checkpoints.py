"""Checkpoints: one file, replaced atomically, read without executing pickles."""

import io
from pathlib import Path

import torch

from fckd.errors import UserError
from fckd.files import write_bytes
from fckd.train.loop import Checkpoint


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write `checkpoint`; a reader sees the old file or the new one, never a part."""
    buffer = io.BytesIO()
    torch.save(dict(checkpoint), buffer)
    write_bytes(path, buffer.getvalue())


def load_checkpoint(path: Path, device: torch.device) -> Checkpoint | None:
    """Return the checkpoint in `path`, or None if there is none.

    Raises:
        UserError: The file is not a checkpoint.
    """
    if not path.exists():
        return None
    try:
        checkpoint: Checkpoint = torch.load(path, map_location=device, weights_only=True)
    except Exception as refusal:  # torch raises many kinds for a damaged file
        raise UserError(
            f"{path} is not a readable checkpoint: {refusal}",
            "a file written by fckd",
            "delete it: the run starts again from its first epoch",
        ) from refusal
    return checkpoint
