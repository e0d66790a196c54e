"""Focal sets compared: for whom a channel is focal, and what two sets have in common."""

from dataclasses import dataclass

import numpy as np

from fckd.train.lessons import LessonStore


@dataclass(frozen=True)
class FocalSets:
    """The focal channels that a teacher has for some samples, each under all its views.

    Attributes:
        counts: (S, C) int64, in how many of a sample's views a channel is focal.
        labels: (S,) int64.
        views: V, the views of a sample.
        focal: K, the channels in a set.
    """

    counts: np.ndarray
    labels: np.ndarray
    views: int
    focal: int

    @property
    def classes(self) -> np.ndarray:
        """The labels that occur, ascending."""
        return np.unique(self.labels)

    @property
    def frequency(self) -> np.ndarray:
        """(classes that occur, C) in [0, 1]: in what share of a class's sets a channel is."""
        sizes = np.array([(self.labels == label).sum() for label in self.classes])
        frequency: np.ndarray = self._of_classes() / (sizes * self.views)[:, None]
        return frequency

    def overlaps(self) -> dict[str, float]:
        """Return the mean share of its channels that a set has in common with another one.

        Over all pairs of sets of two `views` of a sample, of two samples of `one class`, and of
        samples of `two classes`, where there is a pair; `chance` is K / C, expected of sets drawn
        at random.
        """
        sets = len(self.labels) * self.views
        sizes = np.bincount(self.labels)[self.classes] * self.views
        # Σ over pairs of |A ∩ B| is the square of the summed counts: no pair is ever formed.
        # Each level holds the pairs of the one before, the first those of a set with itself.
        pairs, common = sets, sets * self.focal
        levels = {
            "views": (sets * self.views, np.square(self.counts).sum()),
            "one class": (np.square(sizes).sum(), np.square(self._of_classes()).sum()),
            "two classes": (sets**2, np.square(self.counts.sum(axis=0)).sum()),
        }
        found = {}
        for name, (wider, shared) in levels.items():
            if wider > pairs:
                found[name] = float((shared - common) / (wider - pairs) / self.focal)
            pairs, common = wider, shared
        return found | {"chance": self.focal / self.counts.shape[1]}

    def asked(self, weights: np.ndarray) -> np.ndarray:
        """Return the share of each student channel in what the focal channels are made of.

        Args:
            weights: (C, C_student) of the embedding. Each of its rows is normalised behind it, so
                that only a weight's share of its row counts.

        Returns:
            (C_student,), of sum 1.
        """
        parts = np.abs(weights) / np.abs(weights).sum(axis=1, keepdims=True)
        asked: np.ndarray = self.counts.sum(axis=0) / self.counts.sum() @ parts
        return asked

    def _of_classes(self) -> np.ndarray:
        return np.stack([self.counts[self.labels == label].sum(axis=0) for label in self.classes])


def focal_sets(
    store: LessonStore, samples: np.ndarray, labels: np.ndarray, focal: int
) -> FocalSets:
    """Return the sets of the `focal` first channels of each lesson of `samples` (S,)."""
    views = np.tile(np.arange(1, store.views + 1), len(samples))
    channels = store.ranking(np.repeat(samples, store.views), views, focal)
    rows = np.repeat(np.arange(len(samples)), store.views * focal)
    places = rows * store.channels + channels.reshape(-1)
    counts = np.bincount(places, minlength=len(samples) * store.channels)
    return FocalSets(counts.reshape(len(samples), -1), labels, store.views, focal)


def likeness(asked: np.ndarray) -> np.ndarray:
    """Return the correlation between what teachers ask of the student's channels.

    Args:
        asked: (M, C_student), a row for each teacher.

    Returns:
        (M, M): 1 for the same channels, 0 as expected by chance.
    """
    centred = asked - asked.mean(axis=1, keepdims=True)
    norms = np.linalg.norm(centred, axis=1, keepdims=True)
    # A teacher that asks all channels alike is like no other.
    directions = np.divide(centred, norms, out=np.zeros_like(centred), where=norms > 0)
    found: np.ndarray = directions @ directions.T
    return found
