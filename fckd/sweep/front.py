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
    kept: list[FrozenTrial] = []
    for trial in trials:
        known = any(_values(other) == _values(trial) for other in kept)
        if not known and not any(_beats(other, trial) for other in trials):
            kept.append(trial)
    return kept


def spread(trials: Sequence[FrozenTrial], count: int) -> list[FrozenTrial]:
    """Return `count` of the trials, evenly spread, the first and the last among them."""
    if count == 1 or len(trials) <= count:
        return list(trials[:count])
    places = (round(number * (len(trials) - 1) / (count - 1)) for number in range(count))
    return [trials[place] for place in places]


def _beats(one: FrozenTrial, other: FrozenTrial) -> bool:
    """Whether `one` is as good in everything and better in something."""
    return _values(one) != _values(other) and all(
        mine <= theirs for mine, theirs in zip(_values(one), _values(other), strict=True)
    )


def _values(trial: FrozenTrial) -> list[float]:
    """Return the values of a trial such that less is better."""
    accuracy, *costs = trial.values or [0.0]
    return [-accuracy, *costs]
