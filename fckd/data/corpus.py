"""The samples of one benchmark in Arrow shards: written once, then read in place by everyone."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from pyarrow import fs

from fckd.config.networks import Modality
from fckd.data.forms import FORMS, Array
from fckd.data.manifest import (
    MANIFEST,
    SCHEMA_VERSION,
    Manifest,
    ShardEntry,
    read_manifest,
)
from fckd.data.reading import read_samples
from fckd.data.shards import Sample, array_at, damaged, open_shard, write_shard
from fckd.data.sources.base import Recording, Source
from fckd.errors import UserError
from fckd.files import fingerprint, new_folder, sha256_of_file, write_json

SAMPLES_PER_SHARD = 64


class Corpus:
    """Samples in the order of their ids; `Corpus.open` makes one.

    Attributes:
        folder: Where it lies.
        source: The benchmark's name.
        classes: Class names; a label is an index into them.
        modalities: What every sample has.
        sample_ids: Sorted.
        labels: (N,) int64, so are `subjects` and `cameras`.
        test_subjects: The benchmark's own choice.
        fingerprint: Names the content, wherever and whenever it was written.
    """

    def __init__(self, folder: Path, manifest: Manifest, shards: list[pa.RecordBatch]) -> None:
        self.folder = folder
        self.source = manifest.source
        self.classes = manifest.classes
        self.modalities = tuple(manifest.modalities)
        self.test_subjects = frozenset(manifest.test_subjects)
        self.fingerprint = manifest.fingerprint
        self.sample_ids: list[str] = [
            sample_id for shard in shards for sample_id in shard.column("sample_id").to_pylist()
        ]
        self.labels = _integers(shards, "label")
        self.subjects = _integers(shards, "subject")
        self.cameras = _integers(shards, "camera")
        self._shards = shards
        self._starts = np.cumsum([0, *(shard.num_rows for shard in shards)])
        self._index = {sample_id: index for index, sample_id in enumerate(self.sample_ids)}

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
            shard = open_shard(path, list(manifest.modalities), filesystem)
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
        shard = int(np.searchsorted(self._starts, index, side="right")) - 1
        return array_at(self._shards[shard], index - int(self._starts[shard]), modality)

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


def write_corpus(
    source: Source,
    recordings: Iterable[Recording],
    modalities: Iterable[Modality],
    folder: Path,
    advance: Callable[[int], None],
) -> None:
    """Read `recordings` and write them as a corpus, whole or not at all.

    Args:
        source: Where they are from; sent to worker processes.
        recordings: In any order: the content is the same.
        modalities: What to read of each.
        folder: The corpus; replaced if it exists.
        advance: Called with the number of samples written so far.

    Raises:
        UserError: No recordings, two of the same id, or a raw file that cannot be read.
    """
    ordered = sorted(recordings, key=lambda recording: recording.sample_id)
    modalities = sorted(modalities)
    _check_ids(source.name, ordered)
    with new_folder(folder) as temporary:
        shards: list[ShardEntry] = []
        digests: list[str] = []
        for samples in _grouped(read_samples(source, ordered, modalities)):
            path = temporary / f"shard-{len(shards):05d}.arrow"
            write_shard(path, samples, modalities)
            shards.append(_entry(path, len(samples)))
            digests += [_digest(sample, modalities) for sample in samples]
            advance(len(digests))
        manifest = _manifest(source, modalities, shards, digests)
        write_json(temporary / MANIFEST, manifest.model_dump(mode="json"))


def _manifest(
    source: Source,
    modalities: Sequence[Modality],
    shards: Sequence[ShardEntry],
    digests: Sequence[str],
) -> Manifest:
    content: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "source": source.name,
        "classes": list(source.classes),
        "modalities": {modality: FORMS[modality].dtype.name for modality in modalities},
        "test_subjects": sorted(source.test_subjects),
    }
    name = fingerprint({**content, "samples": digests})
    return Manifest(**content, samples=len(digests), shards=tuple(shards), fingerprint=name)


def _digest(sample: Sample, modalities: Sequence[Modality]) -> str:
    about = sample.recording
    head = [about.sample_id, about.label, about.subject, about.camera]
    digest = hashlib.sha256(json.dumps(head).encode())
    for modality in modalities:
        array = sample.arrays[modality]
        digest.update(json.dumps([modality, array.dtype.name, array.shape]).encode())
        digest.update(array.data)
    return digest.hexdigest()


def _entry(path: Path, samples: int) -> ShardEntry:
    size = path.stat().st_size
    return ShardEntry(name=path.name, samples=samples, bytes=size, sha256=sha256_of_file(path))


def _grouped(samples: Iterator[Sample]) -> Iterator[list[Sample]]:
    group: list[Sample] = []
    for sample in samples:
        group.append(sample)
        if len(group) == SAMPLES_PER_SHARD:
            yield group
            group = []
    if group:
        yield group


def _check_ids(source: str, ordered: Sequence[Recording]) -> None:
    if not ordered:
        raise UserError(f"{source}: no recordings", "at least one", "check the data folder")
    for first, second in pairwise(ordered):
        if first.sample_id == second.sample_id:
            raise UserError(
                f"{source}: two recordings are called {first.sample_id}",
                "every sample id once",
                "remove or rename one of the two",
            )


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


def _integers(shards: Sequence[pa.RecordBatch], column: str) -> NDArray[np.int64]:
    parts = [shard.column(column).to_numpy() for shard in shards]
    joined: NDArray[np.int64] = np.concatenate(parts).astype(np.int64)
    return joined
