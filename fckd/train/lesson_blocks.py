"""A lesson store while it is made: block by block, by as many processes as like to help.

A block is a range of rows: its shard is written first, then a note about it, which says that the
shard is whole. What has a note is not made again, also by a later process. Whoever makes a block
holds a lock on it, which the system takes back from a process that dies.
"""

import json
import shutil
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.ipc
from filelock import FileLock, Timeout

from fckd.errors import UserError
from fckd.files import make_folder, sha256_of_file, write_json
from fckd.train.lessons import MANIFEST, SCHEMA_VERSION, LessonRows, LessonShape, in_own_order

LOOK_SECONDS = 0.5


class LessonBlocks:
    """The blocks of a store that is not there yet.

    Args:
        store: The folder that the store will have.
        shape: What a row holds.
        blocks: The rows of each block; together all rows, in order.
    """

    def __init__(self, store: Path, shape: LessonShape, blocks: Sequence[range]) -> None:
        self._store, self._shape, self._blocks = store, shape, blocks
        self._folder = store.with_name(f".{store.name}.making")

    def fill(self, make: Callable[[range], LessonRows], *, helping: bool = False) -> Iterator[int]:
        """Make one missing block after the other; yield the number of rows that are there by now.

        Args:
            make: Makes the rows of a block.
            helping: End as soon as every missing block is in somebody's hands. Otherwise wait for
                blocks that other processes make, and make what one leaves undone.

        Raises:
            UserError: A value is not finite in float16.
        """
        if self._store.exists():
            return
        make_folder(self._folder)
        while missing := self._missing():
            made = False
            for block in missing:
                if self._made_by_me(block, make):
                    made = True
                    yield self._rows_there()
            if not made and helping:
                return
            if not made:
                time.sleep(LOOK_SECONDS)
        if self._store.exists():
            # It was made just before the folder was.
            shutil.rmtree(self._folder, ignore_errors=True)

    def close(self, key: Mapping[str, Any], samples: Sequence[int], views: int) -> None:
        """Make the store of blocks that are all there, unless another process has.

        Args:
            key: What the lessons were made from.
            samples: Corpus indices in the order of the rows; all views of one are neighbours.
            views: Number of views of a sample, counted from view 1.
        """
        with FileLock(self._store.with_suffix(".lock")):
            if not self._store.exists():
                self._write_manifest(key, samples, views)
                self._folder.rename(self._store)
                for aid in [*self._store.glob("*.note"), *self._store.glob("*.lock")]:
                    aid.unlink()
            # One that came late may have begun it anew.
            shutil.rmtree(self._folder, ignore_errors=True)

    def _missing(self) -> list[range]:
        if self._store.exists():
            return []
        there = {path.name for path in self._folder.glob("*.note")}
        return [block for block in self._blocks if _name(block, "note") not in there]

    def _rows_there(self) -> int:
        missing = self._missing()
        return self._blocks[-1].stop - sum(map(len, missing))

    def _made_by_me(self, block: range, make: Callable[[range], LessonRows]) -> bool:
        note = self._folder / _name(block, "note")
        try:
            with FileLock(self._folder / _name(block, "lock"), timeout=0):
                if self._store.exists() or note.exists():
                    return False
                rows = make(block)
                described = self._write_shard(self._folder / _name(block, "arrow"), rows)
                saliency = in_own_order(rows.saliency, rows.permutation).sum(axis=0)
                write_json(note, {"shard": described, "saliency": saliency.tolist()})
                return True
        except Timeout:
            return False

    def _write_shard(self, path: Path, rows: LessonRows) -> dict[str, Any]:
        if (
            not np.isfinite(rows.features.astype(np.float16)).all()
            or not np.isfinite(rows.logits).all()
        ):
            raise UserError(
                f"the teacher's lessons for {self._store.name} hold values that are not finite in "
                "float16",
                "activations below 65504",
                "train the teacher with a lower learning rate",
            )
        batch = pa.RecordBatch.from_pydict(dict(_columns(rows, self._shape)))
        unfinished = path.with_name(f".{path.name}.{uuid.uuid4().hex[:8]}.partial")
        try:
            with (
                pa.OSFile(str(unfinished), "wb") as sink,
                pa.ipc.new_file(sink, batch.schema) as writer,
            ):
                writer.write_batch(batch)
            unfinished.replace(path)
        finally:
            unfinished.unlink(missing_ok=True)
        return {"file": path.name, "rows": len(rows.logits), "sha256": sha256_of_file(path)}

    def _write_manifest(self, key: Mapping[str, Any], samples: Sequence[int], views: int) -> None:
        notes = [
            json.loads((self._folder / _name(block, "note")).read_text()) for block in self._blocks
        ]
        saliency = np.sum([note["saliency"] for note in notes], axis=0)
        manifest = {
            "schema_version": SCHEMA_VERSION,
            "key": dict(key),
            "samples": [int(sample) for sample in samples],
            "views": views,
            "shape": asdict(self._shape),
            "saliency": (saliency / (len(samples) * views)).tolist(),
            "shards": [note["shard"] for note in notes],
        }
        write_json(self._folder / MANIFEST, manifest)


def _name(block: range, kind: str) -> str:
    return f"rows-{block.start:08d}-{block.stop:08d}.{kind}"


def _columns(rows: LessonRows, shape: LessonShape) -> Iterator[tuple[str, pa.Array]]:
    blocks = (
        ("logits", rows.logits.astype(np.float32), shape.classes),
        ("features", rows.features.astype(np.float16), shape.channels * shape.positions),
        ("permutation", rows.permutation.astype(np.int16), shape.channels),
        ("saliency", rows.saliency.astype(np.float32), shape.channels),
    )
    for name, block, width in blocks:
        yield name, pa.FixedSizeListArray.from_arrays(pa.array(block.reshape(-1)), width)
