"""The samples of one benchmark in Arrow shards, read in place by everyone."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import fs

from fckd.config.networks import Modality
from fckd.data.forms import Array
from fckd.data.manifest import Manifest, ShardEntry, read_manifest
from fckd.data.shards import Arrays, damaged, open_shard, split_column
from fckd.errors import UserError


class Corpus:
    """Samples in the order of their ids; `Corpus.open` makes one.

    Attributes:
        folder: Where it lies.
        source: The benchmark's name.
        classes: Class names; a label is an index into them.
        modalities: What every sample has.
        sample_ids: Sorted.
        labels: (N,) int64, so are `subjects` and `cameras`.
        groups: (N,) str: what is held out together.
        protocols: The official divisions that `splits` knows.
        joints: Of every skeleton, all bodies together; 0 if the corpus holds none.
        left_out: Ids of recordings in which the tracker saw nobody.
        damaged: Ids of recordings that could not be read and were left out on purpose.
        fingerprint: Names the content, wherever and whenever it was written.
    """

    def __init__(self, folder: Path, manifest: Manifest, shards: list[pa.RecordBatch]) -> None:
        self.folder = folder
        self.source = manifest.source
        self.classes = manifest.classes
        self.modalities = tuple(manifest.modalities)
        self.protocols = manifest.protocols
        self.left_out = manifest.left_out
        self.damaged = manifest.damaged
        self.fingerprint = manifest.fingerprint
        self.sample_ids: list[str] = [
            sample_id for shard in shards for sample_id in shard.column("sample_id").to_pylist()
        ]
        self.labels = _integers(shards, "label")
        self.subjects = _integers(shards, "subject")
        self.cameras = _integers(shards, "camera")
        self.groups = _texts(shards, "group")
        self._shards = shards
        self._arrays = {
            modality: [Arrays(shard, modality) for shard in shards] for modality in self.modalities
        }
        lengths = [shard.num_rows for shard in shards]
        self._shard_of = np.repeat(np.arange(len(shards)), lengths)
        self._row_of = np.concatenate([np.arange(length) for length in lengths])
        self._index = {sample_id: index for index, sample_id in enumerate(self.sample_ids)}
        skeletons = self._arrays.get(Modality.SKELETON)
        self.joints = int(skeletons[0].shapes[0, 1]) if skeletons else 0

    @classmethod
    def open(
        cls, folder: Path, filesystem: fs.FileSystem | None = None, verify: bool = False
    ) -> "Corpus":
        """Open the corpus in `folder`.

        Args:
            folder: Holds `manifest.json` and the shards.
            filesystem: Where `folder` is; by default this machine.
            verify: Whether the checksum of every shard is computed and compared.

        Raises:
            UserError: No corpus, another schema version, or a shard that is missing or damaged.
        """
        filesystem = filesystem or fs.LocalFileSystem()
        manifest = read_manifest(folder, filesystem)
        shards = []
        for entry in manifest.shards:
            path = str(folder / entry.name)
            _check_file(path, entry, filesystem, verify)
            shard = open_shard(path, list(manifest.modalities), manifest.protocols, filesystem)
            if shard.num_rows != entry.samples:
                raise damaged(path, f"{shard.num_rows} samples instead of {entry.samples}")
            shards.append(shard)
        return cls(folder, manifest, shards)

    def __len__(self) -> int:
        return len(self.sample_ids)

    def array(self, index: int, modality: Modality) -> Array:
        """Return one array of sample `index` in its stored form: a read-only view, not a copy.

        Raises:
            UserError: The corpus does not hold this modality.
        """
        self.require(modality)
        if not 0 <= index < len(self):
            raise IndexError(f"sample {index} of {len(self)}")
        shard, row = int(self._shard_of[index]), int(self._row_of[index])
        return self._arrays[modality][shard][row]

    def shapes(self, modality: Modality) -> NDArray[np.int32]:
        """Return the shapes of all arrays of `modality`: (N, axes), time first.

        Raises:
            UserError: The corpus does not hold this modality.
        """
        self.require(modality)
        shapes: NDArray[np.int32] = np.concatenate(
            [arrays.shapes for arrays in self._arrays[modality]]
        )
        return shapes

    def splits(self, protocol: str) -> NDArray[np.str_]:
        """Return every sample's part in `protocol`: (N,) `train`, `test` or `unused`.

        Raises:
            UserError: The corpus does not know this protocol.
        """
        if protocol not in self.protocols:
            raise UserError(
                f"the corpus {self.folder} is not divided by the protocol {protocol}",
                f"one of {', '.join(self.protocols)}",
                "choose one of these as corpus.protocol",
            )
        return _texts(self._shards, split_column(protocol))

    def require(self, modality: Modality) -> None:
        """Raise a UserError unless the corpus holds `modality`."""
        if modality not in self.modalities:
            raise UserError(
                f"the corpus {self.folder} does not hold {modality}",
                f"one of {', '.join(self.modalities)}",
                "prepare it with this modality",
            )

    def index_of(self, sample_id: str) -> int:
        """Return the index of a sample.

        Raises:
            UserError: There is no such sample.
        """
        if sample_id not in self._index:
            raise UserError(
                f"no sample {sample_id!r} in the corpus {self.source}",
                f"an id such as {self.sample_ids[0]}",
                "check the id",
            )
        return self._index[sample_id]


def _check_file(path: str, entry: ShardEntry, filesystem: fs.FileSystem, verify: bool) -> None:
    found = filesystem.get_file_info(path)
    if found.type != fs.FileType.File:
        raise damaged(path, "it is absent")
    if found.size != entry.bytes:
        raise damaged(path, f"{found.size} bytes instead of {entry.bytes}")
    if verify and _sha256(path, filesystem) != entry.sha256:
        raise damaged(path, "its content has changed")


def _sha256(path: str, filesystem: fs.FileSystem) -> str:
    with filesystem.open_input_file(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _texts(shards: Sequence[pa.RecordBatch], column: str) -> NDArray[np.str_]:
    return np.array([text for shard in shards for text in shard.column(column).to_pylist()])


def _integers(shards: Sequence[pa.RecordBatch], column: str) -> NDArray[np.int64]:
    parts = [shard.column(column).to_numpy() for shard in shards]
    joined: NDArray[np.int64] = np.concatenate(parts).astype(np.int64)
    return joined
