"""The report of a sweep: one HTML file that needs no network, with its figures beside it."""

from collections.abc import Mapping
from html import escape
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from optuna import Study

from fckd.files import make_folder, write_bytes
from fckd.tracking.canvas import save
from fckd.tracking.figures import (
    confusion_change_figure,
    confusion_figure,
    leaderboard_figure,
)
from fckd.tracking.page import Figures, page
from fckd.tracking.relation_figures import relation_figures
from fckd.tracking.search_figures import SEARCH_FIGURES
from fckd.tracking.sight_figures import sight_figures

REPORT_FILE = "report.html"


def write_report(
    folder: Path,
    leaderboard: Mapping[str, Any],
    study: Study,
    facts: Mapping[str, Any],
    sight: Mapping[str, Any] | None = None,
) -> Path:
    """Write `report.html` and one PNG for each figure into `folder`.

    Args:
        folder: Made if absent; an earlier report in it is replaced.
        leaderboard: The confirmed result (`leaderboard.json`).
        study: The search.
        facts: `command`, `versions`, `fingerprints`, `cost`, `started` and `ended`.
        sight: `sight.json` of the packed student's run, with its `arm` and `seed`, if there is one.

    Returns:
        The path of the HTML file.
    """
    make_folder(folder)
    figures: Figures = {}
    drawn = _figures(leaderboard, study) | (_sight(sight, leaderboard) if sight else {})
    for name, (caption, figure) in drawn.items():
        figures[name] = (caption, save(figure, folder / f"{name}.png").read_bytes())
    target = folder / REPORT_FILE
    write_bytes(target, page(leaderboard, figures, facts).encode())
    return target


def _figures(leaderboard: Mapping[str, Any], study: Study) -> dict[str, tuple[str, Figure]]:
    split = leaderboard["split"]
    search = "measured on validation, trained on train"
    figures = {
        "leaderboard": (f"measured on {split}, once per seed", leaderboard_figure(leaderboard))
    }
    of_search = {name: draw(study) for name, draw in SEARCH_FIGURES.items()}
    for name, figure in (of_search | relation_figures(study)).items():
        figures[name] = (search, figure)
    for arm in leaderboard["arms"]:
        caption = f"{arm['arm']}: measured on {split}, summed over {arm['n']} seeds"
        drawn = confusion_figure(arm.get("confusion", ()), leaderboard["classes"], split)
        figures[f"confusion-{arm['arm'].replace(' ', '-')}"] = (caption, drawn)
    if (compared := _finalist_and_first(leaderboard)) is not None:
        finalist, first = compared
        caption = f"{finalist['arm']} less {first['arm']}: measured on {split}, summed over seeds"
        figures["confusion-change"] = (caption, confusion_change_figure(leaderboard, *compared))
    return {name: (escape(caption), figure) for name, (caption, figure) in figures.items()}


def _finalist_and_first(
    leaderboard: Mapping[str, Any],
) -> tuple[Mapping[str, Any], Mapping[str, Any]] | None:
    """Return the best finalist and the student alone, if both have a confusion table."""
    first, *others = leaderboard["arms"] or [{}]
    finalist: Mapping[str, Any] = next((arm for arm in others if arm.get("trial")), {})
    both = finalist.get("confusion") and first.get("confusion")
    return (finalist, first) if both else None


def _sight(
    sight: Mapping[str, Any], leaderboard: Mapping[str, Any]
) -> dict[str, tuple[str, Figure]]:
    caption = escape(f"{sight['arm']}, seed {sight['seed']}")
    drawn = sight_figures(sight, len(leaderboard["classes"]))
    return {f"sight-{name}": (caption, figure) for name, figure in drawn.items()}
