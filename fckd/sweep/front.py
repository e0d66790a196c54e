"""Which trials are the best, when accuracy is not all that counts."""

from collections.abc import Sequence

from optuna.trial import FrozenTrial


def accuracy_of(trial: FrozenTrial) -> float | None:
    """Return the value that is to be high, if the trial was told one; the others are costs."""
    return trial.values[0] if trial.values else None


def unbeaten(trials: Sequence[FrozenTrial]) -> list[FrozenTrial]:
    """Return the trials that no other equals or beats in everything, in their order.

    Of trials that are equal in everything the first is kept.
    """
    values = [_values(trial) for trial in trials]
    kept: list[int] = []
    # In this order nobody is beaten by a later one, and equals stay in theirs.
    for place in sorted(range(len(trials)), key=values.__getitem__):
        if not any(_reaches(values[other], values[place]) for other in kept):
            kept.append(place)
    return [trials[place] for place in sorted(kept)]


def spread(trials: Sequence[FrozenTrial], count: int) -> list[FrozenTrial]:
    """Return `count` of the trials, evenly spread, the first and the last among them."""
    if count == 1 or len(trials) <= count:
        return list(trials[:count])
    places = (round(number * (len(trials) - 1) / (count - 1)) for number in range(count))
    return [trials[place] for place in places]


def _reaches(one: Sequence[float], other: Sequence[float]) -> bool:
    """Whether `one` is as good as `other` in everything."""
    return all(mine <= theirs for mine, theirs in zip(one, other, strict=True))


def _values(trial: FrozenTrial) -> list[float]:
    """Return the values of a trial such that less is better."""
    accuracy, *costs = trial.values or [0.0]
    return [-accuracy, *costs]
