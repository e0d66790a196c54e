"""The lesson store: what a frozen teacher says about every (sample, view), written once.

Channels are stored in descending saliency, so that any focal ratio is a contiguous prefix: a trial
with ratio 0.25 reads a quarter of the features' bytes, and searching the ratio needs no second
store. Saliency is kept beside them: channels that are chosen for a batch or for the whole data set
are read by their numbers. Read through Arrow memory maps: one copy in the page cache serves every
trial of a node.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.ipc
import torch

from fckd.config.experiment import FocalSettings
from fckd.distill.focal import focal_count
from fckd.distill.lesson import Lesson, soft_weights
from fckd.errors import UserError
from fckd.files import sha256_of_file
from fckd.train.placing import placed

SCHEMA_VERSION = 2
MANIFEST = "manifest.json"


@dataclass(frozen=True)
class LessonShape:
    """What one row of a store holds.

    Attributes:
        classes: Number of logits (float32).
        channels: C, the teacher's channels (features float16, permutation int16, saliency
            float32).
        grid: The feature map's positions, such as (T,) or (T, H, W).
    """

    classes: int
    channels: int
    grid: tuple[int, ...]

    @property
    def positions(self) -> int:
        """Return P, the number of positions."""
        return int(np.prod(self.grid))


@dataclass(frozen=True)
class LessonRows:
    """Consecutive rows, channels in descending saliency.

    Attributes:
        logits: (R, classes).
        features: (R, C, P).
        permutation: (R, C), the teacher's number of each channel.
        saliency: (R, C), descending in each row.
    """

    logits: np.ndarray
    features: np.ndarray
    permutation: np.ndarray
    saliency: np.ndarray


@dataclass(frozen=True)
class Wish:
    """What a study reads of its lessons.

    Attributes:
        focal: Which channels; None reads only the logits.
        whole: Whether all channels are wanted beside the focal ones.
        batch: Samples and views of the whole batch over all ranks, for the scope `batch`.
    """

    focal: FocalSettings | None
    whole: bool
    batch: tuple[np.ndarray, np.ndarray]


class LessonStore:
    """The lessons of one teacher, memory-mapped.

    Args:
        folder: As closed by `fckd.train.lesson_blocks.LessonBlocks`.
        key: What the reader needs the lessons to be made from.

    Raises:
        UserError: The store is absent, of another key or schema, or a shard's checksum is wrong.
    """

    def __init__(self, folder: Path, key: Mapping[str, Any]) -> None:
        manifest = _manifest(folder)
        if manifest.get("schema_version") != SCHEMA_VERSION or manifest.get("key") != dict(key):
            raise UserError(
                f"{folder} holds lessons that were made from something else",
                f"lessons of schema {SCHEMA_VERSION} made from {json.dumps(dict(key))}",
                "delete the folder and run again: the lessons are made anew",
            )
        self.folder = folder
        shape = manifest["shape"]
        self.shape = LessonShape(shape["classes"], shape["channels"], tuple(shape["grid"]))
        self.views: int = manifest["views"]
        self._saliency = np.array(manifest["saliency"], dtype=np.float32)
        self.samples = np.array(manifest["samples"], dtype=np.int64)
        self._position = np.full(int(self.samples.max()) + 1, -1, dtype=np.int64)
        self._position[self.samples] = np.arange(len(self.samples))
        self._shards = [_open_shard(folder, entry, self.shape) for entry in manifest["shards"]]
        self._starts = np.cumsum([0, *(len(shard.logits) for shard in self._shards)])

    @property
    def channels(self) -> int:
        """C, the teacher's channels."""
        return self.shape.channels

    def read(
        self, samples: np.ndarray, views: np.ndarray, wish: Wish, device: torch.device
    ) -> Lesson:
        """Return the lessons of a batch.

        Args:
            samples: (N,) corpus indices.
            views: (N,) view numbers, from 1.
            wish: What of the lessons is read.
            device: Where the tensors go.

        Raises:
            ValueError: The store holds no lesson of one of the pairs.
        """
        rows = self._rows(samples, views)
        logits = self._tensor(rows, "logits", None, device)
        if wish.focal is None:
            return Lesson(logits)
        count = focal_count(wish.focal, self.channels)
        kept = self.channels if wish.whole else count
        places: int | np.ndarray = kept
        mean = None
        if wish.focal.scope != "sample":
            mean = self._mean(wish)
            chosen = np.argsort(-mean, kind="stable")[:kept]
            places = np.argsort(self._gather(rows, "permutation", None), axis=1)[:, chosen]
        features = self._tensor(rows, "features", places, device).float()
        return Lesson(
            logits,
            features.reshape(*features.shape[:2], *self.shape.grid),
            self._tensor(rows, "permutation", places, device).long(),
            count,
            self._emphasis(rows, wish.focal, count, mean, device),
        )

    def ranking(self, samples: np.ndarray, views: np.ndarray, count: int) -> np.ndarray:
        """Return the first `count` channels of each lesson, (N, count) int16, without features.

        Args:
            samples: (N,) corpus indices.
            views: (N,) view numbers, from 1.
            count: Of channels, in descending saliency.
        """
        return self._gather(self._rows(samples, views), "permutation", count)

    def _mean(self, wish: Wish) -> np.ndarray:
        """Return the saliency of the channels in their own order, over the batch or the store."""
        if wish.focal is not None and wish.focal.scope == "dataset":
            return self._saliency
        rows = self._rows(*wish.batch)
        columns = (self._gather(rows, column, None) for column in ("saliency", "permutation"))
        mean: np.ndarray = in_own_order(*columns).mean(axis=0)
        return mean

    def _emphasis(
        self,
        rows: np.ndarray,
        focal: FocalSettings,
        count: int,
        mean: np.ndarray | None,
        device: torch.device,
    ) -> torch.Tensor | None:
        if focal.selection == "hard":
            return None
        ranked = self._gather(rows, "saliency", None)
        if mean is not None:
            ranked = np.broadcast_to(-np.sort(-mean), ranked.shape)
        everything = placed(np.array(ranked), device)
        return soft_weights(focal, everything[:, :count], everything.mean(dim=1))

    def _tensor(
        self, rows: np.ndarray, column: str, places: int | np.ndarray | None, device: torch.device
    ) -> torch.Tensor:
        return placed(self._gather(rows, column, places), device)

    def _rows(self, samples: np.ndarray, views: np.ndarray) -> np.ndarray:
        # Checked, for a wrong index would silently be the lesson of another sample or view.
        there = (samples >= 0) & (samples < len(self._position))
        there &= (views >= 1) & (views <= self.views)
        positions: np.ndarray = np.where(there, self._position[np.where(there, samples, 0)], -1)
        for place in np.flatnonzero(positions < 0)[:1]:
            raise ValueError(f"no lesson of sample {samples[place]} under view {views[place]}")
        rows: np.ndarray = positions * self.views + views - 1
        return rows

    def _gather(self, rows: np.ndarray, column: str, places: int | np.ndarray | None) -> np.ndarray:
        """Return a column of `rows`, of the first so many channels or of those at `places`."""
        first = getattr(self._shards[0], column)
        width = first.shape[1] if places is None else places
        width = width.shape[1] if isinstance(width, np.ndarray) else width
        gathered = np.empty((len(rows), width, *first.shape[2:]), dtype=first.dtype)
        shards = np.searchsorted(self._starts, rows, side="right") - 1
        for number in np.unique(shards):
            here = np.flatnonzero(shards == number)
            block = getattr(self._shards[number], column)
            within = rows[here] - self._starts[number]
            # Indexed together with the channels, so that only the wanted ones' bytes are read.
            if isinstance(places, np.ndarray):
                gathered[here] = block[within[:, None], places[here]]
            else:
                gathered[here] = block[within, :places]
        return gathered


def in_own_order(sorted_values: np.ndarray, permutation: np.ndarray) -> np.ndarray:
    """Return values (R, C) that were sorted by `permutation` (R, C) in the channels' own order."""
    values = np.empty_like(sorted_values)
    np.put_along_axis(values, permutation.astype(np.int64), sorted_values, axis=1)
    return values


def _manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest: dict[str, Any] = json.loads((folder / MANIFEST).read_text())
    except (OSError, ValueError) as refusal:
        raise UserError(
            f"no readable lessons in {folder}: {refusal}",
            f"a folder with {MANIFEST}, written by `fckd lessons`",
            "delete the folder and run again: the lessons are made anew",
        ) from refusal
    return manifest


def _open_shard(folder: Path, entry: Mapping[str, Any], shape: LessonShape) -> LessonRows:
    path = folder / Path(entry["file"]).name
    if not path.exists() or sha256_of_file(path) != entry["sha256"]:
        raise UserError(
            f"{path} is missing or does not have the checksum of its manifest",
            f"sha256 {entry['sha256']}",
            "delete the folder and run again: the lessons are made anew",
        )
    batch = pa.ipc.open_file(pa.memory_map(str(path))).get_batch(0)

    def block(name: str, *inner: int) -> np.ndarray:
        values: np.ndarray = batch.column(name).flatten().to_numpy(zero_copy_only=True)
        return values.reshape(entry["rows"], *inner)

    return LessonRows(
        block("logits", shape.classes),
        block("features", shape.channels, shape.positions),
        block("permutation", shape.channels),
        block("saliency", shape.channels),
    )
