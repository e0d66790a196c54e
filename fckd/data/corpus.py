"""The samples of one benchmark in Arrow shards, read in place by everyone."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import fs

from fckd.config.networks import Modality
from fckd.data.forms import Array
from fckd.data.frames import Frames, whole
from fckd.data.integrity import check_file, damaged
from fckd.data.manifest import Manifest, read_manifest
from fckd.data.shards import Arrays, PictureArrays, open_shard, split_column
from fckd.errors import UserError


class Corpus:
    """Samples in the order of their ids; `Corpus.open` makes one.

    Attributes:
        folder: Where it lies.
        source: The benchmark's name.
        classes: Class names; a label is an index into them.
        modalities: What every sample has.
        codings: How frames are stored, for modalities that are not as they are in memory.
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
        self.codings = manifest.codings
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
            modality: [
                self._open(shard, modality, entry.name)
                for shard, entry in zip(shards, manifest.shards, strict=True)
            ]
            for modality in self.modalities
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
            check_file(path, entry.bytes, entry.sha256 if verify else None, filesystem)
            shard = open_shard(path, manifest.columns, filesystem)
            if shard.num_rows != entry.samples:
                raise damaged(path, f"{shard.num_rows} samples instead of {entry.samples}")
            shards.append(shard)
        return cls(folder, manifest, shards)

    def __len__(self) -> int:
        return len(self.sample_ids)

    def array(self, index: int, modality: Modality) -> Array:
        """Return one array of sample `index` in its stored form.

        A read-only view, not a copy, unless its frames are stored as pictures.

        Raises:
            UserError: The corpus does not hold this modality, or a picture is damaged.
        """
        return whole(self.frames(index, modality))

    def frames(self, index: int, modality: Modality) -> Frames:
        """Return the same for one who needs only some frames: the others are not decoded.

        Raises:
            UserError: The corpus does not hold this modality.
        """
        self.require(modality)
        if not 0 <= index < len(self):
            raise IndexError(f"sample {index} of {len(self)}")
        shard, row = int(self._shard_of[index]), int(self._row_of[index])
        return self._arrays[modality][shard][row]

    def bytes(self, modality: Modality) -> int:
        """Return what all arrays of `modality` take on disk.

        Raises:
            UserError: The corpus does not hold this modality.
        """
        self.require(modality)
        return sum(arrays.bytes for arrays in self._arrays[modality])

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

    def _open(self, shard: pa.RecordBatch, modality: Modality, name: str) -> Arrays:
        if modality in self.codings:
            return PictureArrays(shard, modality, str(self.folder / name))
        return Arrays(shard, modality)

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


def _texts(shards: Sequence[pa.RecordBatch], column: str) -> NDArray[np.str_]:
    return np.array([text for shard in shards for text in shard.column(column).to_pylist()])


def _integers(shards: Sequence[pa.RecordBatch], column: str) -> NDArray[np.int64]:
    parts = [shard.column(column).to_numpy() for shard in shards]
    joined: NDArray[np.int64] = np.concatenate(parts).astype(np.int64)
    return joined
