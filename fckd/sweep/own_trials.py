"""An Optuna storage whose trials nobody but this process changes: read once, then remembered.

Optuna asks the database for all that is known of every running trial, at each report of any of
them. With hundreds at a time that takes longer than the trials leave between two reports.
"""

import copy
from collections.abc import Container, Sequence
from typing import Any

from optuna.distributions import BaseDistribution
from optuna.storages import BaseStorage
from optuna.study import StudyDirection
from optuna.study._frozen import FrozenStudy
from optuna.trial import FrozenTrial, TrialState


class OwnTrials(BaseStorage):
    """Writes everything to another storage first, and answers questions about trials from memory.

    Args:
        behind: The storage. Other processes may read its trials, but not change them.
    """

    def __init__(self, behind: BaseStorage) -> None:
        self._behind = behind
        self._trials: dict[int, list[FrozenTrial]] = {}
        self._places: dict[int, tuple[int, int]] = {}

    def create_new_trial(self, study_id: int, template_trial: FrozenTrial | None = None) -> int:
        """Create a trial, and return its id."""
        self._of(study_id)
        trial_id: int = self._behind.create_new_trial(study_id, template_trial)
        self._remember(study_id, self._behind.get_trial(trial_id))
        return trial_id

    def set_trial_param(
        self,
        trial_id: int,
        param_name: str,
        param_value_internal: float,
        distribution: BaseDistribution,
    ) -> None:
        """Set a parameter."""
        self._behind.set_trial_param(trial_id, param_name, param_value_internal, distribution)
        value = distribution.to_external_repr(param_value_internal)
        self._add(trial_id, "params", param_name, value)
        self._add(trial_id, "distributions", param_name, distribution)

    def set_trial_state_values(
        self, trial_id: int, state: TrialState, values: Sequence[float] | None = None
    ) -> bool:
        """Set state and values; return whether that could be done."""
        done: bool = self._behind.set_trial_state_values(trial_id, state, values)
        if trial_id in self._places:
            # Read, for the storage adds the time of day.
            self._replace(self._behind.get_trial(trial_id))
        return done

    def set_trial_intermediate_value(
        self, trial_id: int, step: int, intermediate_value: float
    ) -> None:
        """Set an intermediate value."""
        self._behind.set_trial_intermediate_value(trial_id, step, intermediate_value)
        self._add(trial_id, "intermediate_values", step, intermediate_value)

    def set_trial_user_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Set an attribute of ours."""
        self._behind.set_trial_user_attr(trial_id, key, value)
        self._add(trial_id, "user_attrs", key, value)

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Set an attribute of Optuna's."""
        self._behind.set_trial_system_attr(trial_id, key, value)
        self._add(trial_id, "system_attrs", key, value)

    def get_trial(self, trial_id: int) -> FrozenTrial:
        """Return a trial."""
        if trial_id not in self._places:
            return self._behind.get_trial(trial_id)
        study_id, place = self._places[trial_id]
        return self._trials[study_id][place]

    def get_all_trials(
        self,
        study_id: int,
        deepcopy: bool = True,
        states: Container[TrialState] | None = None,
    ) -> list[FrozenTrial]:
        """Return the trials of a study in the order of their numbers."""
        found = [each for each in self._of(study_id) if states is None or each.state in states]
        return copy.deepcopy(found) if deepcopy else found

    def create_new_study(
        self, directions: Sequence[StudyDirection], study_name: str | None = None
    ) -> int:
        """Create a study, and return its id."""
        study_id: int = self._behind.create_new_study(directions, study_name)
        return study_id

    def delete_study(self, study_id: int) -> None:
        """Delete a study."""
        self._behind.delete_study(study_id)
        for trial in self._trials.pop(study_id, ()):
            del self._places[trial._trial_id]

    def set_study_user_attr(self, study_id: int, key: str, value: Any) -> None:
        """Set an attribute of ours."""
        self._behind.set_study_user_attr(study_id, key, value)

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        """Set an attribute of Optuna's."""
        self._behind.set_study_system_attr(study_id, key, value)

    def get_study_id_from_name(self, study_name: str) -> int:
        """Return the id of a study."""
        study_id: int = self._behind.get_study_id_from_name(study_name)
        return study_id

    def get_study_name_from_id(self, study_id: int) -> str:
        """Return the name of a study."""
        name: str = self._behind.get_study_name_from_id(study_id)
        return name

    def get_study_directions(self, study_id: int) -> list[StudyDirection]:
        """Return what is to be high and what low."""
        directions: list[StudyDirection] = self._behind.get_study_directions(study_id)
        return directions

    def get_study_user_attrs(self, study_id: int) -> dict[str, Any]:
        """Return the attributes of ours."""
        attributes: dict[str, Any] = self._behind.get_study_user_attrs(study_id)
        return attributes

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        """Return the attributes of Optuna's."""
        attributes: dict[str, Any] = self._behind.get_study_system_attrs(study_id)
        return attributes

    def get_all_studies(self) -> list[FrozenStudy]:
        """Return all studies."""
        studies: list[FrozenStudy] = self._behind.get_all_studies()
        return studies

    def _of(self, study_id: int) -> list[FrozenTrial]:
        if study_id not in self._trials:
            self._trials[study_id] = []
            for trial in self._behind.get_all_trials(study_id):
                self._remember(study_id, trial)
        return self._trials[study_id]

    def _remember(self, study_id: int, trial: FrozenTrial) -> None:
        self._places[trial._trial_id] = study_id, len(self._trials[study_id])
        self._trials[study_id].append(trial)

    def _add(self, trial_id: int, what: str, key: Any, value: Any) -> None:
        """Change a copy: whoever was given the trial keeps what it was given."""
        if trial_id not in self._places:
            return
        trial = copy.copy(self.get_trial(trial_id))
        # Optuna keeps most of them under the same name with an underscore.
        name = what if what in vars(trial) else f"_{what}"
        setattr(trial, name, {**getattr(trial, name), key: value})
        self._replace(trial)

    def _replace(self, trial: FrozenTrial) -> None:
        study_id, place = self._places[trial._trial_id]
        self._trials[study_id][place] = trial
