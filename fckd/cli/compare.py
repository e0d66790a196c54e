"""`fckd compare`: arms × seeds, as a table that can be pasted."""

import time
from pathlib import Path
from typing import Any

from rich.console import Console

from fckd.cli.board import SweepSummary
from fckd.cli.campaigns import TABLE
from fckd.cli.display import Display, print_leaderboard
from fckd.cli.inputs import artifact_root, settings, tracking_uri
from fckd.cli.lines import say
from fckd.cli.shipping import Shipping
from fckd.config.comparison import Comparison
from fckd.events import SweepEnded
from fckd.files import write_bytes
from fckd.sweep.campaign import resolve_storage
from fckd.sweep.compare import Compared, compare
from fckd.sweep.leaderboard import LEADERBOARD
from fckd.sweep.ledger_places import check_ledger
from fckd.tracking.leaderboard_files import write_leaderboard_files


def run_comparison(console: Console, comparison: Comparison, data: Path | None) -> None:
    """Run a comparison to its end, print its table and write it as Markdown.

    Raises:
        UserError: The comparison, the data or the machine do not allow it.
        TrainingError: Nothing could be finished.
        Stopped: It was asked to end before it was finished.
    """
    storage, ledger = resolve_storage(comparison), settings().ledger_url
    check_ledger(ledger)
    uri, root = tracking_uri(storage), artifact_root(storage)
    runs = len(comparison.arms) * comparison.seeds * (len(comparison.protocols) or 1)
    summary = SweepSummary(comparison.name, runs, corpus=comparison.experiment.corpus)
    with Shipping(uri, comparison.name, root) as shipping:
        with Display(console, summary) as display:
            compared = compare(comparison, data, display, shipping.track, ledger)
            table = markdown_table(compared.leaderboard)
            write_bytes(compared.folder / TABLE, table.encode())
        shipping.tell(_ended(compared))
    console.print()
    print_leaderboard(console, compared.leaderboard)
    say(console, f"as Markdown: {compared.folder / TABLE}")


def markdown_table(leaderboard: dict[str, Any]) -> str:
    """Return the leaderboard as a table of per cent, with the verdict under it."""
    split, reference = leaderboard["split"], leaderboard["arms"][0]["arm"]
    protocols = ", ".join(leaderboard["protocols"])
    over = f", mean of {protocols}" if protocols else ""
    lines = [
        f"| arm | accuracy on {split}{over}, % (95 % interval) | against {reference} | n |",
        "|---|---|---|---|",
    ]
    for row in leaderboard["arms"]:
        gain = row["difference"]
        against = "" if gain is None else f"{100 * gain['mean']:+.1f} {_interval(gain, '+')}"
        mean = f"{100 * row['mean']:.1f} {_interval(row, '')}"
        lines.append(f"| {row['arm']} | {mean} | {against} | {row['n']} |")
    if leaderboard["protocols"]:
        lines += ["", *_by_protocol(leaderboard)]
    return "\n".join([*lines, "", leaderboard["verdict"], ""])


def _by_protocol(leaderboard: dict[str, Any]) -> list[str]:
    protocols = list(leaderboard["protocols"])
    lines = [f"| arm | {' | '.join(protocols)} |", "|---" * (1 + len(protocols)) + "|"]
    for row in leaderboard["arms"]:
        means = [f"{100 * row['by_protocol'][name]['mean']:.1f}" for name in protocols]
        lines.append(f"| {' | '.join([row['arm'], *means])} |")
    return lines


def _interval(values: dict[str, Any], sign: str) -> str:
    low, high = (f"{100 * bound:{sign}.1f}" for bound in values["interval"])
    return f"({low} to {high})"


def _ended(compared: Compared) -> SweepEnded:
    board = compared.leaderboard
    metrics = {f"{board['split']}/accuracy/{row['arm']}": row["mean"] for row in board["arms"]}
    kept = [compared.folder / LEADERBOARD, *write_leaderboard_files(compared.folder, board)]
    files = {path.name: str(path) for path in (compared.folder / TABLE, *kept)}
    tags = {"fckd.verdict": board["verdict"]}
    return SweepEnded(compared.identity, "finished", metrics, tags, files, time.time())
