"""Recordings to a corpus on disk: whole or not at all, the same whatever the order.

Work in progress lies beside the corpus, in a hidden folder with the corpus's name; a run that was
killed is gone on with from there.
"""

import shutil
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise
from pathlib import Path
from types import MappingProxyType
from typing import Any

from fckd.config.networks import Modality
from fckd.data.blocks import Block, BlockMaker
from fckd.data.corpus import Corpus
from fckd.data.damage import REPORT, Damage, refusal, write_report
from fckd.data.forms import FORMS
from fckd.data.manifest import MANIFEST, SCHEMA_VERSION, Manifest
from fckd.data.shards import Codings, Columns
from fckd.data.sheet import SHEET, draw_sheet
from fckd.data.sources.base import Recording, Source
from fckd.data.workers import MakeBlocks, make_blocks
from fckd.errors import UserError
from fckd.files import fingerprint, make_folder, write_json

SAMPLES_PER_SHARD = 64
FEWEST_SAMPLES_PER_SHARD = 8
SHARDS = 128
"""Wanted of a small corpus, so that many cores have something to do."""


def write_corpus(
    source: Source,
    recordings: Iterable[Recording],
    modalities: Iterable[Modality],
    folder: Path,
    advance: Callable[[int], None],
    *,
    codings: Codings = MappingProxyType({}),
    skip_damaged: bool = False,
    make: MakeBlocks = make_blocks,
) -> None:
    """Read `recordings` and write them as a corpus, whole or not at all.

    A recording in which the tracker saw nobody is left out; the manifest names it.

    Args:
        source: Where they are from; sent to worker processes.
        recordings: In any order: the content is the same.
        modalities: What to read of each.
        folder: The corpus; replaced if it exists. Its name stands for all that the corpus is made
            from: blocks that a killed run has finished under this name are kept.
        advance: Called with the number of recordings read so far.
        codings: How frames are stored, of those modalities that are not stored as in memory.
        skip_damaged: Leave out what cannot be read; the manifest names it.
        make: Who makes the blocks that are missing.

    Raises:
        UserError: No recordings, two of the same id, some that cannot be read (all are tried
            first), or skeletons of different numbers of joints.
    """
    ordered = sorted(recordings, key=lambda recording: recording.sample_id)
    _check_ids(source.name, ordered)
    work = work_folder(folder)
    maker = BlockMaker(
        source,
        Columns(tuple(sorted(modalities)), tuple(ordered[0].splits), dict(codings)),
        make_folder(work / "corpus"),
        make_folder(work / "notes"),
    )
    maker.sweep()
    blocks = _all_blocks(maker, ordered, advance, make)
    damages = [damage for block in blocks for damage in block.damaged]
    report = folder.with_name(f"{folder.name}.{REPORT}")
    if damages and not skip_damaged:
        write_report(report, damages)
        raise refusal(source.name, damages, len(ordered), report)
    _finish(maker, blocks, damages)
    report.unlink(missing_ok=True)
    if folder.exists():
        shutil.rmtree(folder)
    maker.shards.rename(folder)
    shutil.rmtree(work)


def work_folder(folder: Path) -> Path:
    """Return where the corpus `folder` lies until it is whole."""
    return folder.with_name(f".{folder.name}.work")


def _all_blocks(
    maker: BlockMaker,
    ordered: Sequence[Recording],
    advance: Callable[[int], None],
    make: MakeBlocks,
) -> list[Block]:
    """Return every block in order: found finished, or made now."""
    unmade = _divided(ordered)
    found = {number: maker.finished(number, some) for number, some in unmade.items()}
    blocks = {number: block for number, block in found.items() if block is not None}
    done = sum(len(unmade.pop(number)) for number in blocks)
    advance(done)
    for number, block in make(maker, unmade):
        blocks[number] = block
        done += len(unmade[number])
        advance(done)
    return [blocks[number] for number in sorted(blocks)]


def _divided(ordered: Sequence[Recording]) -> dict[int, Sequence[Recording]]:
    size = min(SAMPLES_PER_SHARD, max(FEWEST_SAMPLES_PER_SHARD, len(ordered) // SHARDS))
    starts = range(0, len(ordered), size)
    return {number: ordered[start : start + size] for number, start in enumerate(starts)}


def _finish(maker: BlockMaker, blocks: Sequence[Block], damages: Sequence[Damage]) -> None:
    """Write all that lies in a corpus beside its shards, and take away what is not of it."""
    _check_layouts(blocks)
    manifest = _manifest(maker, blocks, damages)
    ours = {shard.name for shard in manifest.shards}
    for path in maker.shards.iterdir():
        if path.name not in ours:
            path.unlink()
    if damages:
        write_report(maker.shards / REPORT, damages)
    write_json(maker.shards / MANIFEST, manifest.model_dump(mode="json"))
    draw_sheet(Corpus.open(maker.shards)).save(maker.shards / SHEET)


def _manifest(maker: BlockMaker, blocks: Sequence[Block], damages: Sequence[Damage]) -> Manifest:
    shards = tuple(block.shard for block in blocks if block.shard is not None)
    if not shards:
        raise _no_recordings(maker.source.name)
    content: dict[str, Any] = {
        "schema_version": SCHEMA_VERSION,
        "source": maker.source.name,
        "classes": list(maker.source.classes),
        "modalities": {each: FORMS[each].dtype.name for each in maker.columns.modalities},
        "codings": dict(maker.columns.codings),
        "protocols": list(maker.columns.protocols),
        "damaged": sorted({damage.sample_id for damage in damages}),
    }
    digests = [digest for block in blocks for digest in block.digests.values()]
    return Manifest(
        **content,
        samples=len(digests),
        left_out=tuple(sample_id for block in blocks for sample_id in block.left_out),
        shards=shards,
        fingerprint=fingerprint({**content, "samples": digests}),
    )


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


def _check_layouts(blocks: Sequence[Block]) -> None:
    layouts: dict[int, str] = {}
    for block in blocks:
        layouts = {**block.layouts, **layouts}
    if len(layouts) > 1:
        (joints, one), (others, other) = list(layouts.items())[:2]
        raise UserError(
            f"{one} has a skeleton of {joints} joints, {other} one of {others}",
            "one skeleton layout in a corpus",
            "make a corpus of each layout",
        )


def _no_recordings(source: str) -> UserError:
    return UserError(
        f"{source}: no recordings",
        "at least one in which somebody is seen",
        "check the data folder",
    )
