"""The best points of an earlier sweep, also of another data set, tried first in a new one."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.storages import BaseStorage
from optuna.trial import TrialState

from fckd.config.space import Space
from fckd.errors import UserError
from fckd.sweep.control import called
from fckd.sweep.front import accuracy_of
from fckd.sweep.ledger import FIELDS

SHARE = 4
"""One trial in so many is an earlier sweep's."""


@dataclass(frozen=True)
class WarmStart:
    """What comes over.

    Attributes:
        sweep: The id of the earlier sweep.
        asked: How many points were looked at.
        points: Those of them that lie in the new space, best first.
    """

    sweep: str
    asked: int
    points: tuple[Mapping[str, Any], ...]

    def check_another(self, sweep: str) -> None:
        """Check that it is not the sweep itself: all its best trials would be trained again.

        Raises:
            UserError: It is.
        """
        if self.sweep == sweep:
            raise UserError(
                f"search.warm_start: {sweep} is this very sweep",
                "an earlier one",
                "take search.warm_start away: a sweep goes on by itself",
            )

    def __str__(self) -> str:
        return f"warm start: {len(self.points)} of the {self.asked} best points of {self.sweep}"


def warm_start(space: Space, storage: BaseStorage) -> WarmStart | None:
    """Return the best finished points of the sweep that the space names, or None if it names none.

    What is not searched in this space is dropped; a point with a value outside it stays behind.

    Raises:
        UserError: The ledger has no such sweep, or several.
    """
    if space.search.warm_start is None:
        return None
    sweep = _find(space.search.warm_start, storage)
    study = optuna.load_study(study_name=sweep, storage=storage)
    finished = study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    best = sorted(finished, key=lambda trial: -(accuracy_of(trial) or 0.0))
    best = best[: max(1, space.budget.trials // SHARE)]
    points = (_inside(space, trial.user_attrs.get(FIELDS, {})) for trial in best)
    return WarmStart(sweep, len(best), tuple(point for point in points if point))


def _inside(space: Space, fields: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what the space searches of a point; nothing if one of its values lies outside."""
    parameters = space.search.parameters
    point = {name: value for name, value in fields.items() if name in parameters}
    inside = all(parameters[name].contains(value) for name, value in point.items())
    return point if inside else {}


def _find(name: str, storage: BaseStorage) -> str:
    there = sorted(
        study
        for study in optuna.get_all_study_names(storage)
        if re.fullmatch(r".+-[0-9a-f]{8}", study)
    )
    found = called(name, there)
    if len(found) != 1:
        raise UserError(
            f"search.warm_start: {len(found)} sweeps are called {name} in this storage",
            f"one of: {', '.join(there) or 'none yet'}",
            "give its whole id, or take search.warm_start away",
        )
    return found[0]
