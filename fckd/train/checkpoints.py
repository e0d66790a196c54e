"""Checkpoints: one file, replaced atomically, read without executing pickles, and only if whole."""

import hashlib
import io
import logging
from pathlib import Path

import torch

from fckd.files import write_bytes
from fckd.train.loop import Checkpoint

SUM_BYTES = hashlib.sha256().digest_size

_log = logging.getLogger(__name__)


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write `checkpoint` behind its SHA-256; a reader sees the old file or the new one."""
    buffer = io.BytesIO()
    torch.save(dict(checkpoint), buffer)
    content = buffer.getvalue()
    write_bytes(path, hashlib.sha256(content).digest() + content)


def load_checkpoint(path: Path, device: torch.device) -> Checkpoint | None:
    """Return the checkpoint in `path`, or None if there is none that is whole.

    A damaged one is no reason to give a run up: it begins again, and ends the same.
    """
    if not path.exists():
        return None
    found = path.read_bytes()
    content = found[SUM_BYTES:]
    if hashlib.sha256(content).digest() != found[:SUM_BYTES]:
        _log.warning("%s is damaged: the run begins again with its first epoch", path)
        return None
    checkpoint: Checkpoint = torch.load(io.BytesIO(content), map_location=device, weights_only=True)
    return checkpoint
