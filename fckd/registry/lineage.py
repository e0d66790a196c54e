"""Where a registered student comes from, as far back as it is known."""

from collections.abc import Mapping
from urllib.parse import quote

from fckd.config.addresses import shown
from fckd.names import SWEEP_TAG, TRIAL_TAG
from fckd.registry.card import Card

Row = tuple[str, str]
UNKNOWN = "unknown"


def origin(card: Card, tags: Mapping[str, str]) -> list[Row]:
    """Return (what, which) from the search down to the code, in this order.

    Args:
        card: The student's.
        tags: Of its version: what was not known when it was packed.
    """
    return [
        ("sweep", card.sweep or tags.get(SWEEP_TAG, UNKNOWN)),
        ("trial", card.trial or UNKNOWN),
        ("run", f"{tags.get(TRIAL_TAG, UNKNOWN)} (arm {card.arm}, seed {card.seed})"),
        *((f"chosen {name}", str(value)) for name, value in sorted(card.parameters.items())),
        *((f"teacher {name}", key) for name, key in sorted(card.teachers.items())),
        *((f"lessons of {name}", key) for name, key in sorted(card.lessons.items())),
        ("corpus", f"{card.source}-{card.corpus}, {', '.join(card.protocols)}"),
        ("git commit", card.git_commit or UNKNOWN),
    ]


def run_link(tracking_uri: str, experiment: str, run: str) -> str:
    """Return the page of an MLflow run where a server shows it, else its id."""
    if not tracking_uri.startswith(("http://", "https://")):
        return run
    return f"{shown(tracking_uri).rstrip('/')}/#/experiments/{quote(experiment)}/runs/{quote(run)}"
