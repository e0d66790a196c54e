"""A block of recordings becomes a shard, and a note that the shard is whole.

The note is written last and holds the shard's checksum: whatever ends a program, a block is either
finished, and never read again, or as if it had not been begun. A block in which something could not
be read is not finished.
"""

import hashlib
import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from fckd.config.base import Configuration
from fckd.config.networks import Modality
from fckd.data.damage import Damage
from fckd.data.manifest import ShardEntry
from fckd.data.reading import Outcome, read_recordings
from fckd.data.shards import Columns, Sample, write_shard
from fckd.data.sources.base import Recording, Source
from fckd.errors import UserError
from fckd.files import sha256_of_file, write_json

PARTIAL = ".partial"
"""Ends the name of a shard while it is written."""


class Block(Configuration):
    """What became of the recordings of a block.

    Attributes:
        shard: Holds the samples; None if there is none.
        digests: Sample id -> the sample's content in a name, in the order of the shard.
        left_out: Ids of recordings in which the tracker saw nobody.
        damaged: What could not be read.
        layouts: Joints of a skeleton -> the first sample that has so many.
    """

    shard: ShardEntry | None
    digests: dict[str, str]
    left_out: tuple[str, ...]
    damaged: tuple[Damage, ...]
    layouts: dict[int, str]

    @property
    def recordings(self) -> set[str]:
        """The ids of all that was tried."""
        return {*self.digests, *self.left_out, *(damage.sample_id for damage in self.damaged)}


@dataclass(frozen=True)
class BlockMaker:
    """Makes blocks, and finds those that an earlier run has finished; worker processes get it.

    Attributes:
        source: Where recordings are from.
        columns: What is read of each, modalities sorted, and how it is stored.
        shards: Existing folder of the shards.
        notes: Existing folder of the notes.
    """

    source: Source
    columns: Columns
    shards: Path
    notes: Path

    def make(self, number: int, recordings: Sequence[Recording]) -> Block:
        """Read `recordings`, sorted by id, and write block `number`.

        Raises:
            UserError: The file system refuses.
        """
        outcome = read_recordings(self.source, recordings, self.columns.modalities)
        try:
            return self._written(number, outcome)
        except OSError as refusal:
            raise UserError(
                f"cannot write {self._shard(number)} or its note: {refusal.strerror}",
                "room for the whole corpus, and a folder that this user may write to",
                "make room or choose another place, then run again: what is finished is kept",
            ) from refusal

    def finished(self, number: int, recordings: Sequence[Recording]) -> Block | None:
        """Return block `number` if it is finished, of just these recordings, and still whole.

        What could not be read is tried again: it may have been mended, and no name shows that.
        """
        try:
            block = Block.model_validate_json(self._note(number).read_bytes())
        except (FileNotFoundError, ValidationError):
            return None
        if block.damaged or block.recordings != {recording.sample_id for recording in recordings}:
            return None
        return block if self._is_whole(block.shard) else None

    def sweep(self) -> None:
        """Remove what killed processes have left half written; one that still writes then fails."""
        for left in self.shards.glob(f".*{PARTIAL}"):
            left.unlink(missing_ok=True)

    def _written(self, number: int, outcome: Outcome) -> Block:
        block = Block(
            shard=self._write(number, outcome.samples) if outcome.samples else None,
            digests={
                sample.recording.sample_id: _digest(sample, self.columns.modalities)
                for sample in outcome.samples
            },
            left_out=tuple(outcome.left_out),
            damaged=tuple(outcome.damaged),
            layouts=_layouts(outcome.samples),
        )
        write_json(self._note(number), block.model_dump(mode="json"))
        return block

    def _write(self, number: int, samples: Sequence[Sample]) -> ShardEntry:
        path = self._shard(number)
        # of its own: the worker of a run that was killed, here or on another machine, may still be
        # at the same block
        temporary = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}{PARTIAL}")
        try:
            write_shard(temporary, samples, self.columns)
            checksum = sha256_of_file(temporary)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
        return ShardEntry(
            name=path.name, samples=len(samples), bytes=path.stat().st_size, sha256=checksum
        )

    def _is_whole(self, shard: ShardEntry | None) -> bool:
        if shard is None:
            return True
        path = self.shards / shard.name
        return path.is_file() and sha256_of_file(path) == shard.sha256

    def _shard(self, number: int) -> Path:
        return self.shards / f"shard-{number:05d}.arrow"

    def _note(self, number: int) -> Path:
        return self.notes / f"block-{number:05d}.json"


def _digest(sample: Sample, modalities: Sequence[Modality]) -> str:
    about = sample.recording
    who = [about.sample_id, about.label, about.subject, about.camera]
    head = [*who, about.group, dict(about.splits)]
    digest = hashlib.sha256(json.dumps(head).encode())
    for modality in modalities:
        array = sample.arrays[modality]
        digest.update(json.dumps([modality, array.dtype.name, array.shape]).encode())
        digest.update(array.data)
    return digest.hexdigest()


def _layouts(samples: Sequence[Sample]) -> dict[int, str]:
    layouts: dict[int, str] = {}
    for sample in samples:
        if Modality.SKELETON in sample.arrays:
            joints = sample.arrays[Modality.SKELETON].shape[1]
            layouts.setdefault(joints, sample.recording.sample_id)
    return layouts
