"""Thousands of trials at a glance: what a status needs of a study, in two questions to its tables.

Optuna would build every trial with its parameters and the values of every epoch, which takes it
some ten seconds over five thousand trials.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from optuna.storages import RDBStorage
from optuna.storages._rdb.models import (
    TrialModel,
    TrialUserAttributeModel,
    TrialValueModel,
)
from optuna.trial import TrialState
from sqlalchemy import and_, select

from fckd.sweep.ledger import FIELDS, KEY, REASON, SUPERSEDED


@dataclass(frozen=True)
class Glimpse:
    """A trial: its key, state, first value, duration in seconds, and why it failed."""

    identity: int
    key: str
    state: TrialState
    value: float | None
    seconds: float | None
    reason: str


def glance(storage: RDBStorage, study: str) -> list[Glimpse]:
    """Return the trials of a study, in their order, without those that never ran."""
    number = storage.get_study_id_from_name(study)
    columns: tuple[Any, ...] = (
        TrialModel.trial_id,
        TrialModel.number,
        TrialModel.state,
        TrialModel._datetime_start_utc,
        TrialModel._datetime_complete_utc,
        TrialValueModel.value,
    )
    first = and_(TrialValueModel.trial_id == TrialModel.trial_id, TrialValueModel.objective == 0)
    trials = (
        select(*columns)
        .select_from(TrialModel)
        .outerjoin(TrialValueModel, first)
        .where(TrialModel.study_id == number)
        .order_by(TrialModel.number)
    )
    kept = _attributes(storage, number, (KEY, REASON, SUPERSEDED))
    with storage.engine.connect() as connection:
        rows = connection.execute(trials).all()
    return [
        Glimpse(
            identity,
            kept[identity].get(KEY, f"{study}-{place:04d}"),
            state,
            value,
            (end - start).total_seconds() if start and end else None,
            kept[identity].get(REASON, ""),
        )
        for identity, place, state, start, end, value in rows
        if SUPERSEDED not in kept[identity]
    ]


def fields_of(storage: RDBStorage, trial: Glimpse) -> dict[str, Any]:
    """Return the searched fields of a trial."""
    fields: dict[str, Any] = storage.get_trial_user_attrs(trial.identity).get(FIELDS, {})
    return fields


def _attributes(
    storage: RDBStorage, study: int, names: Sequence[str]
) -> defaultdict[int, dict[str, Any]]:
    attribute = TrialUserAttributeModel
    query = (
        select(attribute.trial_id, attribute.key, attribute.value_json)
        .select_from(attribute)
        .join(TrialModel, TrialModel.trial_id == attribute.trial_id)
        .where(TrialModel.study_id == study, attribute.key.in_(names))
    )
    found: defaultdict[int, dict[str, Any]] = defaultdict(dict)
    with storage.engine.connect() as connection:
        for trial, key, value in connection.execute(query):
            found[trial][key] = json.loads(value)
    return found
