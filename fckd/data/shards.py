"""One Arrow IPC file of samples: written whole, read in place through a memory map.

A row is a sample: its id, label, subject, camera and group, its part in every protocol, and for
every modality the raw bytes of the array beside its shape. Nothing is compressed, so that a
memory map can be used as it lies there.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import fs

from fckd.config.networks import Modality
from fckd.data.forms import FORMS, Array
from fckd.data.sources.base import Recording
from fckd.errors import UserError

ABOUT = (
    ("sample_id", pa.string()),
    *((name, pa.int64()) for name in ("label", "subject", "camera")),
    ("group", pa.string()),
)


@dataclass(frozen=True)
class Sample:
    """A recording with its arrays in stored form."""

    recording: Recording
    arrays: Mapping[Modality, Array]


def schema(modalities: Sequence[Modality], protocols: Sequence[str]) -> pa.Schema:
    """Return the columns of a shard."""
    fields = [*ABOUT, *((split_column(protocol), pa.string()) for protocol in protocols)]
    for modality in modalities:
        fields += [(str(modality), pa.large_binary()), (_shape_of(modality), pa.list_(pa.int32()))]
    return pa.schema(fields)


def split_column(protocol: str) -> str:
    """Return the name of the column that holds every sample's part in `protocol`."""
    return f"split:{protocol}"


def write_shard(
    path: Path,
    samples: Sequence[Sample],
    modalities: Sequence[Modality],
    protocols: Sequence[str],
) -> None:
    """Write `samples` as one record batch."""
    columns: dict[str, list[object]] = {
        name: [getattr(sample.recording, name) for sample in samples] for name, _ in ABOUT
    }
    for protocol in protocols:
        parts: list[object] = [sample.recording.splits[protocol] for sample in samples]
        columns[split_column(protocol)] = parts
    for modality in modalities:
        arrays = [sample.arrays[modality] for sample in samples]
        columns[str(modality)] = [array.tobytes() for array in arrays]
        columns[_shape_of(modality)] = [array.shape for array in arrays]
    batch = pa.record_batch(columns, schema=schema(modalities, protocols))
    with pa.OSFile(str(path), "wb") as stream, pa.ipc.new_file(stream, batch.schema) as writer:
        writer.write_batch(batch)


def open_shard(
    path: str,
    modalities: Sequence[Modality],
    protocols: Sequence[str],
    filesystem: fs.FileSystem,
) -> pa.RecordBatch:
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
    if batch is None or not batch.schema.equals(schema(modalities, protocols)):
        raise damaged(path, "its columns are not those of the manifest")
    return batch


class Arrays:
    """The arrays of one modality in a shard, found without an Arrow object for each.

    Attributes:
        shapes: (N, axes) int32.
    """

    def __init__(self, batch: pa.RecordBatch, modality: Modality) -> None:
        _, offsets, self._content = batch.column(str(modality)).buffers()
        self._offsets = np.frombuffer(offsets, np.int64)
        self._dtype = FORMS[modality].dtype
        shapes = batch.column(_shape_of(modality)).flatten().to_numpy()
        self.shapes: NDArray[np.int32] = shapes.reshape(batch.num_rows, -1)

    def __getitem__(self, row: int) -> Array:
        """Return one array as a read-only view into the shard; nothing is copied."""
        shape = self.shapes[row].tolist()
        array: Array = np.frombuffer(
            self._content, self._dtype, math.prod(shape), int(self._offsets[row])
        )
        return array.reshape(shape)


def damaged(path: str, what: str) -> UserError:
    """Return the error for a corpus file that is not what was written."""
    return UserError(
        f"{path} is damaged: {what}",
        "the file that `fckd prepare` wrote",
        "delete the corpus folder and run again: it is made anew",
    )


def _shape_of(modality: Modality) -> str:
    return f"{modality}_shape"
