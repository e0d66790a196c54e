"""Accuracy against one other thing: the focal ratio, and what a student costs."""

from collections.abc import Sequence
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import EngFormatter
from optuna import Study
from optuna.trial import FrozenTrial

from fckd.tracking.canvas import (
    ACCENT,
    FAINT,
    MAIN,
    footnote,
    message_figure,
    new_figure,
    percent_axis,
)
from fckd.tracking.search_figures import number_of, trials_of, value_of

RATIO = "focal.ratio"
RATIO_TITLE = "Accuracy against the focal ratio"
COSTS = "costs"
"""Of a study, written by the ledger: the names of what is to be low."""

TITLES = {
    "parameters": "parameters",
    "flops": "operations of a prediction",
    "milliseconds": "milliseconds of a prediction",
}
EACH = 4.4
"""Height of one set of axes."""


def ratio_figure(study: Study) -> Figure:
    """Draw every finished trial that has a focal ratio: the ratio, and what it reached."""
    trials = [trial for trial in trials_of(study).finished if RATIO in trial.params]
    if not trials:
        return message_figure(RATIO_TITLE, "No finished trial has a searched focal ratio.")
    figure, axes = new_figure(RATIO_TITLE)
    ratios, values = [t.params[RATIO] for t in trials], [value_of(t) for t in trials]
    axes.plot(ratios, values, "o", color=MAIN, markersize=6, alpha=0.85)
    best = max(trials, key=value_of)
    label = f"best: trial {number_of(best)}"
    axes.plot(best.params[RATIO], value_of(best), "o", color=ACCENT, markersize=8, label=label)
    axes.set(xlabel="share of a teacher's channels that are focal", ylabel="validation accuracy")
    axes.set_xlim(0, 1.03)
    _finish(axes)
    percent_axis(axes.xaxis)
    footnote(figure, "all else varies too: a hint, not an ablation (fckd compare makes one)")
    return figure


def trade_off_figure(study: Study) -> Figure | None:
    """Draw accuracy against every cost that was searched for; None if none was.

    The line joins the trials that no other beats in everything.
    """
    costs: Sequence[str] = study.user_attrs.get(COSTS, ())
    if not costs:
        return None
    title = "Accuracy against cost"
    trials = trials_of(study).finished
    if not trials:
        return message_figure(title, "No trial ran to its end.")
    front = {trial.number for trial in study.best_trials}
    figure, first = new_figure(title, height=EACH * len(costs))
    first.remove()
    for place, cost in enumerate(costs):
        axes = figure.add_subplot(len(costs), 1, place + 1)
        _draw_cost(axes, trials, front, cost, place + 1)
    footnote(figure, f"orange: no other trial beats it in everything ({len(front)})")
    return figure


def _draw_cost(
    axes: Any, trials: Sequence[FrozenTrial], front: set[int], cost: str, place: int
) -> None:
    unbeaten = sorted((t for t in trials if t.number in front), key=lambda t: t.values[place])
    for some, look in (
        ([t for t in trials if t.number not in front], {"color": MAIN, "alpha": 0.6}),
        (unbeaten, {"color": ACCENT}),
    ):
        axes.plot(*_places(some, place), "o", markersize=6, **look)
    axes.plot(*_places(unbeaten, place), color=ACCENT, linewidth=1.2, drawstyle="steps-post")
    for trial in unbeaten:
        where, name = (trial.values[place], trial.values[0]), str(number_of(trial))
        axes.annotate(name, where, (4, 4), textcoords="offset points", fontsize=7.5)
    axes.set(xlabel=TITLES[cost], ylabel="validation accuracy", xscale="log")
    for show in (axes.xaxis.set_major_formatter, axes.xaxis.set_minor_formatter):
        show(EngFormatter(sep=" "))
    axes.tick_params(axis="x", which="both", labelsize=8)
    _finish(axes, legend=False)


def _places(trials: Sequence[FrozenTrial], place: int) -> tuple[list[float], list[float]]:
    return [trial.values[place] for trial in trials], [trial.values[0] for trial in trials]


def _finish(axes: Any, *, legend: bool = True) -> None:
    axes.grid(color=FAINT)
    axes.spines[["top", "right"]].set_visible(False)
    percent_axis(axes.yaxis)
    if legend:
        axes.legend(frameon=False, fontsize=8, loc="best")


def relation_figures(study: Study) -> dict[str, Figure]:
    """Return what there is to relate, by name."""
    trade_off = trade_off_figure(study)
    found = {} if trade_off is None else {"trade-off": trade_off}
    searched = any(RATIO in trial.params for trial in study.get_trials(deepcopy=False))
    return found | ({"ratio": ratio_figure(study)} if searched else {})
