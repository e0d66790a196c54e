"""What a report says of how it was made."""

import platform
from collections.abc import Mapping
from datetime import datetime
from importlib.metadata import version
from typing import Any

FACTS = "facts.json"
PACKAGES = ("fckd", "torch", "ray", "optuna", "mlflow", "pyarrow", "numpy")


def versions() -> dict[str, str]:
    """Return the versions that a result depends on."""
    return {"python": platform.python_version(), **{name: version(name) for name in PACKAGES}}


def facts(
    command: str,
    fingerprints: Mapping[str, str],
    cost: Mapping[str, float],
    started: datetime,
    ended: datetime,
) -> dict[str, Any]:
    """Return the facts of a sweep as JSON values.

    Args:
        command: That makes it again.
        fingerprints: Of what it was made from.
        cost: Of the whole sweep, by unit; the last command's seconds of wall time join it.
        started: When the last command began.
        ended: When it had the result.
    """
    return {
        "command": command,
        "versions": versions(),
        "fingerprints": dict(fingerprints),
        "cost": {
            **cost,
            "seconds of the last command": round((ended - started).total_seconds(), 1),
        },
        "started": started.isoformat(timespec="seconds"),
        "ended": ended.isoformat(timespec="seconds"),
    }
