"""What the environment of whoever runs the tests must not change."""

from collections.abc import MutableMapping

FOREIGN = ("RAY_", "MLFLOW_", "FCKD_", "AWS_", "PG")
"""Beginnings of variables that tell of servers, clusters and settings of the caller's own."""
OURS = frozenset({"FCKD_DATA", "FCKD_CHAOS_SEED", "FCKD_IMAGES"})
"""By which the caller tells the tests something."""
TERMINAL = frozenset(
    {
        "FORCE_COLOR",
        "GITHUB_ACTIONS",
        "LINES",
        "NO_COLOR",
        "PY_COLORS",
        "TERMINAL_WIDTH",
        "TTY_COMPATIBLE",
        "TTY_INTERACTIVE",
    }
)
"""By which programs choose colours and widths for the caller's screen."""
LOOPBACK = "127.0.0.1,localhost"
FIXED = {"COLUMNS": "80", "NO_PROXY": LOOPBACK, "no_proxy": LOOPBACK}


def make_the_same_everywhere(environment: MutableMapping[str, str]) -> None:
    """Leave in `environment` nothing by which a test could pass here and fail elsewhere."""
    for name in list(environment):
        if name in TERMINAL or (name.startswith(FOREIGN) and name not in OURS):
            del environment[name]
    environment.update(FIXED)
