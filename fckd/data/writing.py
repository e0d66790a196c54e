"""Recordings to a corpus on disk: whole or not at all, the same whatever the order."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

from fckd.config.networks import Modality
from fckd.data.forms import FORMS
from fckd.data.manifest import MANIFEST, SCHEMA_VERSION, Manifest, ShardEntry
from fckd.data.reading import read_samples
from fckd.data.shards import Sample, write_shard
from fckd.data.sources.base import Recording, Source
from fckd.errors import UserError
from fckd.files import fingerprint, new_folder, sha256_of_file, write_json

SAMPLES_PER_SHARD = 64


def write_corpus(
    source: Source,
    recordings: Iterable[Recording],
    modalities: Iterable[Modality],
    folder: Path,
    advance: Callable[[int], None],
) -> None:
    """Read `recordings` and write them as a corpus, whole or not at all.

    A recording in which the tracker saw nobody is left out; the manifest names it.

    Args:
        source: Where they are from; sent to worker processes.
        recordings: In any order: the content is the same.
        modalities: What to read of each.
        folder: The corpus; replaced if it exists.
        advance: Called with the number of recordings read so far.

    Raises:
        UserError: No recordings, two of the same id, a raw file that cannot be read, or skeletons
            of different numbers of joints.
    """
    ordered = sorted(recordings, key=lambda recording: recording.sample_id)
    modalities = sorted(modalities)
    _check_ids(source.name, ordered)
    with new_folder(folder) as temporary:
        written = _Written()
        read = zip(ordered, read_samples(source, ordered, modalities), strict=True)
        for samples in _grouped(_seen(read, written, advance)):
            _check_joints(samples, written)
            _write(temporary, samples, modalities, written)
        if not written.shards:
            raise _no_recordings(source.name)
        manifest = _manifest(source, modalities, written)
        write_json(temporary / MANIFEST, manifest.model_dump(mode="json"))


@dataclass
class _Written:
    """What the manifest will say."""

    shards: list[ShardEntry] = field(default_factory=list)
    digests: list[str] = field(default_factory=list)
    left_out: list[str] = field(default_factory=list)
    protocols: tuple[str, ...] = ()
    joints: int | None = None


def _seen(
    read: Iterable[tuple[Recording, Sample | None]],
    written: _Written,
    advance: Callable[[int], None],
) -> Iterator[Sample]:
    """Yield the samples; note the recordings that show nobody."""
    for done, (recording, sample) in enumerate(read, start=1):
        if sample is None:
            written.left_out.append(recording.sample_id)
        else:
            yield sample
        advance(done)


def _grouped(samples: Iterator[Sample]) -> Iterator[list[Sample]]:
    group: list[Sample] = []
    for sample in samples:
        group.append(sample)
        if len(group) == SAMPLES_PER_SHARD:
            yield group
            group = []
    if group:
        yield group


def _write(
    folder: Path, samples: Sequence[Sample], modalities: Sequence[Modality], written: _Written
) -> None:
    written.protocols = tuple(samples[0].recording.splits)
    path = folder / f"shard-{len(written.shards):05d}.arrow"
    write_shard(path, samples, modalities, written.protocols)
    written.shards.append(
        ShardEntry(
            name=path.name,
            samples=len(samples),
            bytes=path.stat().st_size,
            sha256=sha256_of_file(path),
        )
    )
    written.digests += [_digest(sample, modalities) for sample in samples]


def _manifest(source: Source, modalities: Sequence[Modality], written: _Written) -> Manifest:
    content: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "source": source.name,
        "classes": list(source.classes),
        "modalities": {modality: FORMS[modality].dtype.name for modality in modalities},
        "protocols": list(written.protocols),
    }
    return Manifest(
        **content,
        samples=len(written.digests),
        left_out=tuple(written.left_out),
        shards=tuple(written.shards),
        fingerprint=fingerprint({**content, "samples": written.digests}),
    )


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


def _check_ids(source: str, ordered: Sequence[Recording]) -> None:
    if not ordered:
        raise _no_recordings(source)
    for first, second in pairwise(ordered):
        if first.sample_id == second.sample_id:
            raise UserError(
                f"{source}: two recordings are called {first.sample_id}",
                "every sample id once",
                "remove or rename one of the two",
            )


def _check_joints(samples: Sequence[Sample], written: _Written) -> None:
    for sample in samples:
        if Modality.SKELETON not in sample.arrays:
            return
        joints = sample.arrays[Modality.SKELETON].shape[1]
        written.joints = written.joints or joints
        if joints != written.joints:
            raise UserError(
                f"{sample.recording.sample_id}: a skeleton of {joints} joints, others have "
                f"{written.joints}",
                "one skeleton layout in a corpus",
                "make a corpus of each layout",
            )


def _no_recordings(source: str) -> UserError:
    return UserError(
        f"{source}: no recordings",
        "at least one in which somebody is seen",
        "check the data folder",
    )
