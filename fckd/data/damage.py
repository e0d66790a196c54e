"""Recordings that cannot be read: which, what of them, and why."""

from collections.abc import Sequence
from pathlib import Path

from fckd.config.base import Configuration
from fckd.config.networks import Modality
from fckd.errors import UserError
from fckd.files import write_json

REPORT = "damaged.json"
LISTED_AT_MOST = 10


class Damage(Configuration):
    """One modality of one recording, and what is wrong with it."""

    sample_id: str
    modality: Modality
    what: str


def write_report(path: Path, damages: Sequence[Damage]) -> None:
    """Write every damage to a JSON file, in the order of sample ids."""
    write_json(path, [damage.model_dump(mode="json") for damage in damages])


def refusal(source: str, damages: Sequence[Damage], recordings: int, report: Path) -> UserError:
    """Return the error for recordings that were all tried and not all read.

    Args:
        source: The benchmark's name.
        damages: At least one.
        recordings: How many were tried.
        report: Where `write_report` has written all of them.
    """
    count = len({damage.sample_id for damage in damages})
    lines = [
        f"{each.sample_id}, {each.modality}: {' '.join(each.what.split())}"
        for each in damages[:LISTED_AT_MOST]
    ]
    if len(damages) > LISTED_AT_MOST:
        lines.append(f"and {len(damages) - LISTED_AT_MOST} more")
    return UserError(
        f"{count} of {recordings} recordings of {source} cannot be read\n    "
        + "\n    ".join(lines),
        f"raw files that are whole; all that are not are listed in {report}",
        "fetch or record them again, or leave them out with `fckd prepare --skip-damaged`",
    )
