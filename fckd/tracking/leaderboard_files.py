"""A leaderboard for people and programs: a figure, and one line for each seed as CSV."""

import csv
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fckd.files import write_bytes
from fckd.tracking.canvas import save
from fckd.tracking.figures import leaderboard_figure

TABLE, FIGURE = "leaderboard.csv", "leaderboard.png"


def write_leaderboard_files(folder: Path, leaderboard: Mapping[str, Any]) -> list[Path]:
    """Write the leaderboard as CSV and PNG into `folder`, and return the two files."""
    write_bytes(folder / TABLE, _table(leaderboard).encode())
    return [folder / TABLE, save(leaderboard_figure(leaderboard), folder / FIGURE)]


def _table(leaderboard: Mapping[str, Any]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    protocols = list(leaderboard.get("protocols", {}))
    columns = ["arm", "split", "n", "mean", "low", "high", "deviation", "seed", "score"]
    writer.writerow([*columns, *protocols])
    for arm in leaderboard["arms"]:
        shared = [arm["arm"], leaderboard["split"], arm["n"], arm["mean"], *arm["interval"]]
        each = [arm["by_protocol"][name]["scores"] for name in protocols]
        for seed, *scores in zip(arm["seeds"], arm["scores"], *each, strict=True):
            writer.writerow([*shared, arm["deviation"], seed, *scores])
    return text.getvalue()
