"""Who is champion and why: written onto the versions, so that it can be read and taken back."""

import getpass
import socket
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fckd.errors import UserError
from fckd.registry.gate import Verdict
from fckd.registry.reference import CHAMPION
from fckd.registry.versions import tags_of

if TYPE_CHECKING:
    from mlflow import MlflowClient

VERDICT, FORCED = "fckd.verdict", "fckd.forced"
DECIDED, DECIDED_BY = "fckd.decided", "fckd.decided_by"
BEFORE = "fckd.champion_before"
"""The version that a champion replaced: where a rollback leads."""
TAKEN_BACK = "fckd.rolled_back"


def record(
    client: "MlflowClient", name: str, version: int, verdict: Verdict, forced: str | None
) -> None:
    """Write what the gate said about a version, when, by whom, and why it was overruled."""
    said = "promote" if verdict.promote else "keep the champion"
    tags = {VERDICT: f"{said}: {verdict.reason}", DECIDED: _now(), DECIDED_BY: _who()}
    if forced is not None:
        tags[FORCED] = forced
    _write(client, name, version, tags)


def crown(client: "MlflowClient", name: str, version: int, before: int | None) -> None:
    """Make a version the champion, and remember which one it replaces."""
    if before is not None:
        _write(client, name, version, {BEFORE: str(before)})
    if TAKEN_BACK in tags_of(client, name, version):
        client.delete_model_version_tag(name, str(version), TAKEN_BACK)
    client.set_registered_model_alias(name, CHAMPION, str(version))


def rolled_back(client: "MlflowClient", name: str, version: int) -> Verdict | None:
    """Return the refusal of a version that a person has taken back; None if nobody has.

    Otherwise the same sweep, run again, would undo what was decided.
    """
    taken = tags_of(client, name, version).get(TAKEN_BACK)
    return None if taken is None else Verdict(False, f"it was rolled back {taken}")


def champion_before(client: "MlflowClient", name: str, champion: int | None) -> int:
    """Return the version that the champion replaced.

    Raises:
        UserError: There is no champion, or it replaced none.
    """
    before = None if champion is None else tags_of(client, name, champion).get(BEFORE)
    if before is None:
        given = (
            f"{name} has no champion"
            if champion is None
            else f"champion {name}/{champion} replaced no other"
        )
        raise UserError(
            given,
            "a champion that took the place of an earlier one",
            f"choose a version: fckd promote {name} VERSION --force --reason TEXT",
        )
    return int(before)


def take_back(client: "MlflowClient", name: str, champion: int, before: int) -> None:
    """Make the earlier champion champion again, and write that onto the later one."""
    _write(client, name, champion, {TAKEN_BACK: f"to {before}, {_now()}, {_who()}"})
    client.set_registered_model_alias(name, CHAMPION, str(before))


def _write(client: "MlflowClient", name: str, version: int, tags: dict[str, str]) -> None:
    for key, value in tags.items():
        client.set_model_version_tag(name, str(version), key, value)


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _who() -> str:
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container's user may have no name
        user = "unknown"
    return f"{user}@{socket.gethostname()}"
