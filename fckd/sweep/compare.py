"""A whole comparison: arms × seeds × protocols, every run that is still missing."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from fckd.config.comparison import Comparison
from fckd.config.experiment import identity
from fckd.events import Listener
from fckd.sweep.arms import comparison_arms
from fckd.sweep.campaign import Track, open_workshop, opened
from fckd.sweep.execution import execute
from fckd.sweep.leaderboard import write_leaderboard
from fckd.sweep.ledger_places import open_ledger
from fckd.sweep.needs import under_each
from fckd.sweep.phases import Repetitions
from fckd.sweep.pool import worker_groups
from fckd.sweep.preparation import Preparation
from fckd.train.study import Part


@dataclass(frozen=True)
class Compared:
    """A finished comparison.

    Attributes:
        identity: Its name and a fingerprint of its experiment and split.
        folder: Its files.
        leaderboard: As in `leaderboard.json`.
        corpus: Fingerprint of the corpus.
    """

    identity: str
    folder: Path
    leaderboard: dict[str, Any]
    corpus: str


def compare(
    comparison: Comparison,
    data: Path | None,
    watch: Listener,
    track: Track,
    ledger_url: SecretStr | None = None,
) -> Compared:
    """Run a comparison, or what is still missing of it; arms and seeds may be added.

    Args:
        comparison: Which arms, how often.
        data: Folder of the raw benchmarks; None where the source needs none.
        watch: Hears every event.
        track: Given the comparison's folder, returns who keeps its events.
        ledger_url: Of a PostgreSQL database; None for a file in the storage.

    Raises:
        UserError: The comparison, the data or the machine do not allow it.
        TrainingError: No run could be finished.
        Stopped: It was asked to end before it was finished.
    """
    arms = comparison_arms(comparison)
    variants = under_each({arm.name: arm.experiment for arm in arms}, comparison.protocols)
    workshop = open_workshop(comparison, variants.values(), data, watch)
    part: Part = "train" if comparison.split == "validation" else "train+validation"
    described = {"experiment": identity(comparison.experiment), "part": part}
    preparation = Preparation({part: variants}, comparison.execution)
    ledger = open_ledger(workshop.storage, ledger_url)
    with opened(comparison, workshop, ledger, described, preparation, (watch, track)) as place:
        runs = Repetitions(
            "comparison",
            arms,
            range(comparison.first_seed, comparison.first_seed + comparison.seeds),
            comparison.protocols,
            part,
            place.identity,
            ledger,
            place.folder,
        )
        leader = place.attendance
        with worker_groups(comparison.execution, workshop, place.folder, leader) as ground:
            execute(runs, ground, place.listener, workshop.corpus.classes, leader)
        board = write_leaderboard(runs, place, comparison.experiment)
    return Compared(place.identity, place.folder, board, workshop.corpus.fingerprint)
