"""From raw recordings to an opened corpus: written the first time, only opened after that."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from filelock import FileLock

from fckd.config.corpus import CorpusSettings
from fckd.config.networks import Modality
from fckd.data.corpus import Corpus
from fckd.data.integrity import Inspected
from fckd.data.manifest import MANIFEST, SCHEMA_VERSION
from fckd.data.shards import Codings
from fckd.data.sources import open_source
from fckd.data.workers import MakeBlocks, make_blocks, refuse_unguarded_script
from fckd.data.writing import work_folder, write_corpus
from fckd.files import fingerprint, make_folder
from fckd.storage.shelf import Shelf

CORPORA = "corpora"
"""Of a storage folder: what holds its corpora."""
READER_VERSION = 2
"""Raise it when a source returns other arrays for the same files: old corpora are left alone."""


def prepare(
    settings: CorpusSettings,
    modalities: Sequence[Modality],
    data: Path | None,
    storage: Path,
    advance: Callable[[int, int], None],
    *,
    skip_damaged: bool = False,
    shelf: Shelf | None = None,
    make: MakeBlocks = make_blocks,
) -> Corpus:
    """Return the corpus of `settings` with exactly these modalities.

    Args:
        settings: The benchmark and its options.
        modalities: In any order.
        data: Holds a folder for each benchmark; None if the source needs none.
        storage: The corpus is kept in `storage/corpora`, under a name made of all that it is
            made from.
        advance: Called with samples done and samples in all while a corpus is written.
        skip_damaged: Leave out what cannot be read. A corpus that was once written so is opened
            without being asked again; it names what is left out.
        shelf: Where a corpus that is not in `storage` is looked for, and a new one is put.
        make: Who makes the parts of a corpus.

    Raises:
        UserError: Raw files are missing or damaged, or the corpus on disk is.
    """
    refuse_unguarded_script()
    source = open_source(settings, data)
    modalities = sorted(set(modalities))
    codings = _codings(settings, modalities)
    key = fingerprint(
        {
            "identity": source.identity(modalities),
            "modalities": modalities,
            "codings": codings,
            "versions": [READER_VERSION, SCHEMA_VERSION],
        }
    )
    folder = make_folder(storage / CORPORA) / f"{source.name}-{key}"
    with FileLock(folder.with_name(f".{folder.name}.lock")):
        fetched = shelf is not None and shelf.fetch(folder)
        if not fetched and not (folder / MANIFEST).exists():
            recordings = source.recordings(modalities)
            total = len(recordings)
            write_corpus(
                source,
                recordings,
                modalities,
                folder,
                lambda done: advance(done, total),
                codings=codings,
                skip_damaged=skip_damaged,
                make=make,
            )
        if shelf is not None:
            shelf.publish(folder)
        # a run that was killed at its very end has left it
        shutil.rmtree(work_folder(folder), ignore_errors=True)
        inspected = Inspected(folder.with_name(f".{folder.name}.inspected"))
        corpus = Corpus.open(folder, verify=folder not in inspected)
        inspected.add(folder)
    return corpus


def _codings(settings: CorpusSettings, modalities: Sequence[Modality]) -> Codings:
    """Return how the frames of `modalities` are stored, where not as they are in memory."""
    chosen = settings.frame_coding.model_dump()
    return {each: chosen[each] for each in modalities if chosen.get(each, "raw") != "raw"}
