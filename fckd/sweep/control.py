"""A campaign's record in the ledger: who drives it, how far it is, and what is asked of its driver.

It is a study without trials whose attributes are the only channel between the driver and whoever
looks on from another terminal or machine: no daemon, no port.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import optuna
from optuna.storages import RDBStorage
from optuna.study import StudyDirection

CAMPAIGN, DRIVER, PHASES, ENDED = "campaign", "driver", "phases", "ended"
STORAGE = "storage"
"""Of a campaign: the address of the storage in which its runs are."""
STOP, PAUSE, GROUPS = "stop", "pause", "groups"
SPENT = "spent:"
"""Before the name of a driver: the device-hours that it has spent."""
RECORD = "-control"
"""Behind the id of a campaign: the name of its record."""
SILENCE_SECONDS = 60.0
"""A driver that gave no sign of life for so long is taken for dead."""


@dataclass(frozen=True)
class Wishes:
    """What the driver shall do.

    Attributes:
        groups: Trials at a time; None as long as nobody asked for another number.
        stop: End after the current epochs.
        pause: Start no trial.
    """

    groups: int | None = None
    stop: bool = False
    pause: bool = False


class Control:
    """The record of one campaign.

    Args:
        storage: The ledger.
        campaign: Its id.

    Raises:
        KeyError: The ledger has no such record.
    """

    def __init__(self, storage: RDBStorage, campaign: str) -> None:
        self.storage = storage
        self._study = storage.get_study_id_from_name(_study_name(campaign))

    @classmethod
    def open(cls, storage: RDBStorage, campaign: str, described: Mapping[str, Any]) -> "Control":
        """Open the record for a new driver, without the wishes and the end of the last one."""
        name = _study_name(campaign)
        with suppress(optuna.exceptions.DuplicatedStudyError):  # an earlier driver made it
            storage.create_new_study([StudyDirection.MAXIMIZE], name)
        control = cls(storage, campaign)
        for kept in (STOP, PAUSE, GROUPS, ENDED, DRIVER):
            control.write(kept, None)
        control.write(PHASES, {})
        control.write(CAMPAIGN, {**described, "opened": time.time()})
        return control

    def read(self) -> dict[str, Any]:
        """Return everything in the record."""
        return self.storage.get_study_user_attrs(self._study)

    def write(self, name: str, value: Any) -> None:
        """Set one attribute to a JSON value."""
        self.storage.set_study_user_attr(self._study, name, value)

    def wishes(self) -> Wishes:
        """Return what is asked of the driver now."""
        return wishes_in(self.read())


def campaigns_called(name: str, storage: RDBStorage) -> tuple[list[str], list[str]]:
    """Return the ids of the campaigns with this id or name, the newest last, and all other ids."""
    there = [
        study.study_name.removesuffix(RECORD)
        for study in sorted(
            storage.get_all_studies(),
            key=lambda study: study.user_attrs.get(CAMPAIGN, {}).get("opened", 0.0),
        )
        if study.study_name.endswith(RECORD)
    ]
    found = called(name, there)
    return found, [each for each in there if each not in found]


def called(name: str, ids: Sequence[str]) -> list[str]:
    """Return the id that is `name`, else those of that name, in their order."""
    # an id is a name and eight digits: `demo` must not find `demo-large`
    named = [each for each in ids if each.rpartition("-")[0] == name]
    return [name] if name in ids else named


def spent_in(record: Mapping[str, Any]) -> float:
    """Return the device-hours that all drivers in a record have spent."""
    return sum(float(hours) for name, hours in record.items() if name.startswith(SPENT))


def wishes_in(record: Mapping[str, Any]) -> Wishes:
    """Return the wishes in a record that was read."""
    return Wishes(record.get(GROUPS), bool(record.get(STOP)), bool(record.get(PAUSE)))


def is_alive(record: Mapping[str, Any], now: float) -> bool:
    """Return whether the record's driver gave a sign of life lately and has not ended."""
    driver = record.get(DRIVER)
    if driver is None or record.get(ENDED) is not None:
        return False
    return bool(now - driver["seen"] <= SILENCE_SECONDS)


def _study_name(campaign: str) -> str:
    return f"{campaign}{RECORD}"
