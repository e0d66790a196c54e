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
    command: str, fingerprints: Mapping[str, str], started: datetime, ended: datetime
) -> dict[str, Any]:
    """Return the facts of a sweep as JSON values; `cost` is in seconds of wall time."""
    return {
        "command": command,
        "versions": versions(),
        "fingerprints": dict(fingerprints),
        "cost": {"wall seconds": round((ended - started).total_seconds(), 1)},
        "started": started.isoformat(timespec="seconds"),
        "ended": ended.isoformat(timespec="seconds"),
    }
