"""One Arrow IPC file of samples: written whole, read in place through a memory map.

A row is a sample: its id, label, subject, camera and group, its part in every protocol, and for
every modality the raw bytes of the array beside its shape. Nothing is compressed, so that a
memory map can be used as it lies there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
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
        if isinstance(filesystem, fs.LocalFileSystem):
            stream = pa.memory_map(path)
        else:
            stream = filesystem.open_input_file(path)
        reader = pa.ipc.open_file(stream)
        batch = reader.get_batch(0) if reader.num_record_batches == 1 else None
    except (pa.ArrowException, OSError) as damage:
        raise damaged(path, str(damage)) from damage
    if batch is None or not batch.schema.equals(schema(modalities, protocols)):
        raise damaged(path, "its columns are not those of the manifest")
    return batch


def array_at(batch: pa.RecordBatch, row: int, modality: Modality) -> Array:
    """Return one array as a read-only view into the shard; nothing is copied."""
    content = batch.column(str(modality))[row].as_buffer()
    return np.frombuffer(content, FORMS[modality].dtype).reshape(shape_at(batch, row, modality))


def shape_at(batch: pa.RecordBatch, row: int, modality: Modality) -> tuple[int, ...]:
    """Return the shape of one array."""
    return tuple(batch.column(_shape_of(modality))[row].as_py())


def damaged(path: str, what: str) -> UserError:
    """Return the error for a corpus file that is not what was written."""
    return UserError(
        f"{path} is damaged: {what}",
        "the file that `fckd prepare` wrote",
        "delete the corpus folder and run again: it is made anew",
    )


def _shape_of(modality: Modality) -> str:
    return f"{modality}_shape"
