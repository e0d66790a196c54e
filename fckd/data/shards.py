"""One Arrow IPC file of samples: written whole, read in place through a memory map.

A row is a sample: its id, label, subject, camera and group, its part in every protocol, and for
every modality the bytes of the array beside its shape: as they are in memory, so that a memory map
can be used as it lies there, or frame by frame as pictures, with the place where each ends.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import fs

from fckd.config.networks import Modality
from fckd.data.coding import Coding, encoded
from fckd.data.forms import FORMS, Array
from fckd.data.frames import EncodedFrames, Frames
from fckd.data.integrity import damaged
from fckd.data.sources.base import Recording

ABOUT = (
    ("sample_id", pa.string()),
    *((name, pa.int64()) for name in ("label", "subject", "camera")),
    ("group", pa.string()),
)


Codings = Mapping[Modality, Coding]
"""How frames are stored; those of a modality that is not in it lie there as they are in memory."""


@dataclass(frozen=True)
class Columns:
    """What a shard holds beside who did what: arrays, and the parts of protocols."""

    modalities: tuple[Modality, ...]
    protocols: tuple[str, ...]
    codings: Codings


@dataclass(frozen=True)
class Sample:
    """A recording with its arrays in stored form."""

    recording: Recording
    arrays: Mapping[Modality, Array]


def schema(columns: Columns) -> pa.Schema:
    """Return the columns of a shard in Arrow's words."""
    fields = [*ABOUT, *((split_column(protocol), pa.string()) for protocol in columns.protocols)]
    for modality in columns.modalities:
        fields += [(str(modality), pa.large_binary()), (_shape_of(modality), pa.list_(pa.int32()))]
        if modality in columns.codings:
            fields.append((_ends_of(modality), pa.list_(pa.int64())))
    return pa.schema(fields)


def split_column(protocol: str) -> str:
    """Return the name of the column that holds every sample's part in `protocol`."""
    return f"split:{protocol}"


def write_shard(path: Path, samples: Sequence[Sample], columns: Columns) -> None:
    """Write `samples` as one record batch."""
    content: dict[str, list[object]] = {
        name: [getattr(sample.recording, name) for sample in samples] for name, _ in ABOUT
    }
    for protocol in columns.protocols:
        parts: list[object] = [sample.recording.splits[protocol] for sample in samples]
        content[split_column(protocol)] = parts
    for modality in columns.modalities:
        arrays = [sample.arrays[modality] for sample in samples]
        content[_shape_of(modality)] = [array.shape for array in arrays]
        if modality in columns.codings:
            content |= _pictures(arrays, modality, columns.codings[modality])
        else:
            content[str(modality)] = [array.tobytes() for array in arrays]
    batch = pa.record_batch(content, schema=schema(columns))
    with pa.OSFile(str(path), "wb") as stream, pa.ipc.new_file(stream, batch.schema) as writer:
        writer.write_batch(batch)


def _pictures(
    clips: Sequence[Array], modality: Modality, coding: Coding
) -> dict[str, list[object]]:
    contents: list[object] = []
    ends: list[object] = []
    for clip in clips:
        pictures = [encoded(frame, coding) for frame in clip]
        contents.append(b"".join(pictures))
        ends.append(list(accumulate(map(len, pictures))))
    return {str(modality): contents, _ends_of(modality): ends}


def open_shard(path: str, columns: Columns, filesystem: fs.FileSystem) -> pa.RecordBatch:
    """Return the one record batch of a shard; a local file is mapped, not read.

    Raises:
        UserError: Not an Arrow file with one batch of these columns.
    """
    try:
        local = isinstance(filesystem, fs.LocalFileSystem)
        # closed at once: the batch keeps the map, and thousands of open files are not allowed
        with pa.memory_map(path) if local else filesystem.open_input_file(path) as stream:
            reader = pa.ipc.open_file(stream)
            batch = reader.get_batch(0) if reader.num_record_batches == 1 else None
    except (pa.ArrowException, OSError) as damage:
        raise damaged(path, str(damage)) from damage
    if batch is None or not batch.schema.equals(schema(columns)):
        raise damaged(path, "its columns are not those of the manifest")
    return batch


class Arrays:
    """The arrays of one modality in a shard, found without an Arrow object for each.

    Attributes:
        shapes: (N, axes) int32.
        bytes: What they take in the shard.
    """

    def __init__(self, batch: pa.RecordBatch, modality: Modality) -> None:
        _, offsets, self._content = batch.column(str(modality)).buffers()
        self._offsets = np.frombuffer(offsets, np.int64)
        self._dtype = FORMS[modality].dtype
        shapes = batch.column(_shape_of(modality)).flatten().to_numpy()
        self.shapes: NDArray[np.int32] = shapes.reshape(batch.num_rows, -1)
        self.bytes = int(self._offsets[batch.num_rows] - self._offsets[0])

    def __getitem__(self, row: int) -> Frames:
        """Return one array as a read-only view into the shard; nothing is copied."""
        shape = self.shapes[row].tolist()
        array: Array = np.frombuffer(
            self._content, self._dtype, math.prod(shape), int(self._offsets[row])
        )
        return array.reshape(shape)


class PictureArrays(Arrays):
    """The same where frames are stored as pictures; `path` is named if one is damaged."""

    def __init__(self, batch: pa.RecordBatch, modality: Modality, path: str) -> None:
        super().__init__(batch, modality)
        self._ends = batch.column(_ends_of(modality)).flatten().to_numpy()
        self._firsts = np.concatenate([[0], np.cumsum(self.shapes[:, 0], dtype=np.int64)])
        self._path = path
        if len(self._ends) != self._firsts[-1]:
            raise damaged(path, f"{len(self._ends)} frames of {modality}, not {self._firsts[-1]}")

    def __getitem__(self, row: int) -> Frames:
        """Return one clip; its frames are decoded when they are asked for."""
        content = memoryview(self._content)[self._offsets[row] : self._offsets[row + 1]]
        ends = self._ends[self._firsts[row] : self._firsts[row + 1]]
        return EncodedFrames(
            content, ends, tuple(self.shapes[row].tolist()), self._dtype, self._path
        )


def _shape_of(modality: Modality) -> str:
    return f"{modality}_shape"


def _ends_of(modality: Modality) -> str:
    return f"{modality}_ends"
