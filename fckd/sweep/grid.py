"""Every combination of a space, conditions respected."""

import random
from collections.abc import Sequence
from typing import Any

from fckd.config.parameters import strides_between
from fckd.config.space import Space
from fckd.errors import UserError
from fckd.sweep.suggest import suggester

LARGEST = 10_000


def grid(space: Space) -> list[dict[str, Any]]:
    """Return the Optuna parameters of every point, in an order shuffled by the search's seed.

    Shuffled, so that a budget which ends before the grid leaves no corner of it untried.

    Raises:
        UserError: The grid is too large to be listed.
    """
    suggest = suggester(space)
    points: list[dict[str, Any]] = []
    path: list[int] | None = []
    while path is not None:
        if len(points) == LARGEST:
            raise UserError(
                f"a grid of more than {LARGEST} points",
                "one that can be tried",
                "make the steps coarser, search fewer parameters, or choose another sampler",
            )
        walk = _Walk(path)
        suggest(walk)
        points.append(walk.parameters)
        path = walk.following()
    random.Random(space.search.seed).shuffle(points)  # noqa: S311, no secret
    return points


class _Walk:
    """One walk down the tree of decisions: first along `path`, then always the first option."""

    def __init__(self, path: Sequence[int]) -> None:
        self.parameters: dict[str, Any] = {}
        self._path = path
        self._taken: list[tuple[int, int]] = []

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        depth = len(self._taken)
        index = self._path[depth] if depth < len(self._path) else 0
        self._taken.append((index, len(choices)))
        self.parameters[name] = choices[index]
        return choices[index]

    def suggest_int(self, name: str, low: int, high: int, *, step: int, log: bool) -> int:  # noqa: ARG002
        value: int = self.suggest_categorical(name, range(low, high + 1, step))
        return value

    def suggest_float(
        self,
        name: str,
        low: float,
        high: float,
        *,
        step: float | None,
        log: bool,  # noqa: ARG002
    ) -> float:
        if step is None:
            raise ValueError(f"{name} is continuous")
        steps = strides_between(low, high, step)
        value: float = self.suggest_categorical(
            name, [min(low + number * step, high) for number in range(steps + 1)]
        )
        return value

    def following(self) -> list[int] | None:
        """Return the path of the next walk, or None after the last."""
        taken = list(self._taken)
        while taken:
            index, options = taken.pop()
            if index + 1 < options:
                return [before for before, _ in taken] + [index + 1]
        return None
