"""Figures of the result: the leaderboard and the confusion matrix."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy
from matplotlib.figure import Figure

from fckd.tracking.canvas import (
    ACCENT,
    BLUES,
    FAINT,
    INK,
    MAIN,
    QUIET,
    footnote,
    message_figure,
    new_figure,
    percent_axis,
)
from fckd.tracking.names import measured_on

LONGEST_CLASS_NAME = 24
CELLS_WITH_PER_CENT = 14
"""Up to so many classes a cell has room for its share; beyond that, counts are shown."""

HALF_A_POINT = 0.005
"""Of a change: what rounds to nothing is not written."""


def confusion_figure(counts: Sequence[Sequence[int]], classes: Sequence[str], split: str) -> Figure:
    """Draw a confusion table; rows are the true class, colours are shares of the row."""
    table = numpy.asarray(counts, dtype=float)
    if table.size == 0 or table.sum() == 0:
        return message_figure("Confusion", "No sample was counted.")
    shares = _shares(table)
    total, right = int(table.sum()), int(numpy.trace(table))
    title = f"Confusion on {split or 'the split'}: {right} of {total} right ({right / total:.1%})"
    side = max(4.2, 0.3 * len(table) + 1.8)
    figure, axes = new_figure(title, width=side + 0.6, height=side)
    axes.imshow(shares, cmap=BLUES, vmin=0, vmax=1)
    _name_classes(axes, short_classes(classes, len(table)))
    _write_cells(axes, table, shares)
    axes.set(xlabel="named by the student", ylabel="true class")
    return figure


def confusion_change_figure(
    leaderboard: Mapping[str, Any], ours: Mapping[str, Any], theirs: Mapping[str, Any]
) -> Figure:
    """Draw by how many points of a true class's samples one arm names each class more often.

    On the diagonal more is better, elsewhere worse.
    """
    shares = [_shares(numpy.asarray(arm["confusion"], dtype=float)) for arm in (ours, theirs)]
    change = shares[0] - shares[1]
    title = f"Confusion on {leaderboard['split']}: {ours['arm']} less {theirs['arm']}"
    side = max(4.2, 0.3 * len(change) + 1.8)
    figure, axes = new_figure(title, width=side + 0.6, height=side)
    most = max(float(numpy.abs(change).max()), 0.01)
    axes.imshow(change, cmap="PuOr", vmin=-most, vmax=most)
    _name_classes(axes, short_classes(leaderboard["classes"], len(change)))
    for row, column in zip(*numpy.nonzero(numpy.abs(change) >= HALF_A_POINT), strict=True):
        value = change[row, column]
        colour = "white" if abs(value) > 0.6 * most else INK
        text = f"{100 * value:+.0f}"
        axes.text(column, row, text, ha="center", va="center", fontsize=7, color=colour)
    footnote(figure, "numbers: points of the row; on the diagonal more is better")
    axes.set(xlabel="named by the student", ylabel="true class")
    return figure


def leaderboard_figure(leaderboard: Mapping[str, Any]) -> Figure:
    """Draw every arm's mean with its 95 % interval, each seed as a dot."""
    arms = leaderboard["arms"]
    title = f"Accuracy on {measured_on(leaderboard)}, {leaderboard['source']}"
    if not arms:
        return message_figure(title, "No arm was confirmed.")
    figure, axes = new_figure(title, height=1.7 + 0.55 * len(arms))
    best = max(arm["mean"] for arm in arms)
    for row, arm in enumerate(arms):
        _draw_arm(axes, row, arm, ACCENT if arm["mean"] == best else MAIN)
    axes.set_yticks(range(len(arms)), [f"{arm['arm']}  (n = {arm['n']})" for arm in arms])
    axes.set_ylim(len(arms) - 0.4, -0.7)
    axes.grid(axis="x", color=FAINT)
    axes.set_axisbelow(True)
    percent_axis(axes.xaxis)
    footnote(figure, "large dot: mean over seeds; bar: 95 % interval; small dots: single seeds")
    return figure


def short_classes(classes: Sequence[str], count: int) -> list[str]:
    """Return `count` class names that fit beside an axis; numbers where none is given."""
    names = [str(name) for name in classes] or [str(index) for index in range(count)]
    return [
        name if len(name) <= LONGEST_CLASS_NAME else f"{name[: LONGEST_CLASS_NAME - 1]}…"
        for name in names
    ]


def _shares(table: Any) -> Any:
    """Return counts as shares of their row; of a row without samples zeros."""
    of_row = table.sum(axis=1, keepdims=True)
    return numpy.divide(table, of_row, out=numpy.zeros_like(table), where=of_row > 0)


def _draw_arm(axes: Any, row: int, arm: Mapping[str, Any], colour: str) -> None:
    low, high = arm["interval"]
    axes.plot([low, high], [row, row], color=colour, linewidth=3, solid_capstyle="butt", alpha=0.6)
    axes.plot(arm["mean"], row, "o", color=colour, markersize=9)
    axes.annotate(
        f"{100 * arm['mean']:.1f}", (arm["mean"], row), (0, 8), textcoords="offset points",
        ha="center", fontsize=8.5, color=INK,
    )  # fmt: skip
    scores = arm["scores"]
    # Seeds of the same score lie below one another, so that all of them are seen.
    step = min(0.1, 0.5 / max(map(scores.count, scores)))
    places = [row + 0.24 + step * scores[:at].count(score) for at, score in enumerate(scores)]
    axes.plot(scores, places, "o", color=QUIET, markersize=3.5, alpha=0.9)


def _name_classes(axes: Any, names: Sequence[str]) -> None:
    axes.set_xticks(range(len(names)), names, rotation=90)
    axes.set_yticks(range(len(names)), names)
    axes.tick_params(labelsize=8 if len(names) <= CELLS_WITH_PER_CENT else 7)
    axes.set_xticks(numpy.arange(len(names)) - 0.5, minor=True)
    axes.set_yticks(numpy.arange(len(names)) - 0.5, minor=True)
    axes.grid(which="minor", color=FAINT, linewidth=0.5)
    axes.tick_params(which="minor", length=0)


def _write_cells(axes: Any, table: Any, shares: Any) -> None:
    roomy = len(table) <= CELLS_WITH_PER_CENT
    for row, column in zip(*numpy.nonzero(table), strict=True):
        share = shares[row, column]
        text = f"{100 * share:.0f}" if roomy else f"{table[row, column]:.0f}"
        colour = "white" if share > 0.55 else INK
        axes.text(column, row, text, ha="center", va="center", fontsize=7, color=colour)
    unit = "per cent of the row" if roomy else "samples"
    footnote(axes.figure, f"numbers: {unit}; empty: none")
