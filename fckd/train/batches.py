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
    """

    samples: np.ndarray
    views: np.ndarray
    whole: tuple[np.ndarray, np.ndarray]
    own: float = 1.0


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
        share = slice(start + world.rank, start + size, world.size)
        whole = slice(start, start + size)
        own = own_share(draw, study.training.mixup)
        yield Batch(order[share], views[share], (order[whole], views[whole]), own)


def divided(batch: Batch, most: int | None) -> list[Batch]:
    """Return the parts of a share, of at most `most` samples each; the whole if None."""
    length = len(batch.samples)
    starts = range(0, length, most or length)
    cuts = [slice(start, start + (most or length)) for start in starts]
    return [replace(batch, samples=batch.samples[cut], views=batch.views[cut]) for cut in cuts]


def batches_per_epoch(study: Study) -> int:
    """Return how many batches an epoch has."""
    return max(1, len(study.learn) // study.training.batch_size)
