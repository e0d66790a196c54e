"""Which samples and views make up each batch: a pure function of seed and epoch."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from fckd.train.mixup import own_share
from fckd.train.study import Study
from fckd.train.world import World


@dataclass(frozen=True)
class Batch:
    """One rank's share of a global batch.

    Attributes:
        samples: (N,) int64 sample indices.
        views: (N,) int64 view numbers.
        whole: Samples and views of the global batch, of all ranks together.
        own: How much of each sample is its own, beside its partner's (see `mixup`).
        partners: Samples and views that these are mixed with; none for an `own` of 1.
    """

    samples: np.ndarray
    views: np.ndarray
    whole: tuple[np.ndarray, np.ndarray]
    own: float = 1.0
    partners: "Batch | None" = None


def batches(study: Study, epoch: int, world: World) -> Iterator[Batch]:
    """Yield this rank's share of every batch of `epoch` (counted from 1).

    All ranks draw the same global order and take every `world.size`-th sample, so that shares are
    equal. The rest that does not fill a batch is left out, another one in each epoch.
    """
    draw = np.random.default_rng([study.training.seed, epoch])
    order = draw.permutation(study.learn)
    views = draw.integers(1, study.views.count + 1, size=len(order))
    size = min(study.training.batch_size, len(order))
    size -= size % world.size
    for start in range(0, batches_per_epoch(study) * size, size):
        whole = order[start : start + size], views[start : start + size]
        share = slice(world.rank, None, world.size)
        own = own_share(draw, study.training.mixup)
        partners = None
        if own < 1:
            partners = Batch(np.roll(whole[0], 1)[share], np.roll(whole[1], 1)[share], whole)
        yield Batch(whole[0][share], whole[1][share], whole, own, partners)


def divided(batch: Batch, most: int | None) -> list[Batch]:
    """Return the parts of a share, of at most `most` samples each; the whole if None."""
    length = len(batch.samples)
    starts = range(0, length, most or length)
    return [_cut(batch, slice(start, start + (most or length))) for start in starts]


def _cut(batch: Batch, cut: slice) -> Batch:
    partners = None if batch.partners is None else _cut(batch.partners, cut)
    samples, views = batch.samples[cut], batch.views[cut]
    return replace(batch, samples=samples, views=views, partners=partners)


def batches_per_epoch(study: Study) -> int:
    """Return how many batches an epoch has."""
    return max(1, len(study.learn) // study.training.batch_size)
