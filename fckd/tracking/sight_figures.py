"""Figures of what a run transferred: over its epochs, and among its focal channels."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.figure import Figure

from fckd.tracking.canvas import (
    FAINT,
    QUIET,
    SERIES,
    epoch_axis,
    footnote,
    legend_beside,
    new_figure,
    percent_axis,
)
from fckd.tracking.focal_figures import (
    clip_figure,
    frequency_figure,
    likeness_figure,
    overlap_figure,
)

LABELS = "cross_entropy"

Sight = Mapping[str, Any]
"""`sight.json` of a run (see fckd/train/task.py and transfer.py)."""


def sight_figures(sight: Sight, classes: int) -> dict[str, Figure]:
    """Return by name every figure that there is something to draw for.

    Args:
        sight: Of the run.
        classes: Number of classes, for what guessing gives.
    """
    epochs, teachers = sight["epochs"], sight.get("teachers", {})
    agreement, overlap = (_series(epochs, kind) for kind in ("agreement", "overlap"))
    if not agreement:  # nobody taught
        return {}
    figures = {"shares": shares_figure(epochs), "agreement": agreement_figure(agreement, classes)}
    if overlap:
        figures["overlap"] = student_overlap_figure(overlap, teachers)
    compared = {name: told for name, told in teachers.items() if "overlap" in told}
    if compared:
        figures["focal-sets"] = overlap_figure(compared)
    for name, told in compared.items():
        figures[f"frequency-{name}"] = frequency_figure(name, told)
    if sight.get("likeness"):
        figures["likeness"] = likeness_figure(sight["likeness"])
    for name, saliency in sight.get("clip", {}).get("teachers", {}).items():
        figures[f"clip-{name}"] = clip_figure(name, sight["clip"], saliency)
    return figures


def shares_figure(epochs: Sequence[Mapping[str, float]]) -> Figure:
    """Draw each term's share of the gradient norms at the student's outputs, stacked."""
    series = _series(epochs, "share")
    # What the labels ask lies at the bottom, in grey.
    series = {LABELS: series.pop(LABELS), **series}
    colours = (QUIET, *SERIES * len(series))
    figure, axes = new_figure("Which term pulls the student how hard")
    numbers = range(1, len(epochs) + 1)
    floor = [0.0] * len(epochs)
    for (name, values), colour in zip(series.items(), colours, strict=False):
        heights = [0.0 if math.isnan(value) else value for value in values]
        axes.bar(numbers, heights, width=1, bottom=floor, color=colour, label=_spoken(name))
        floor = [low + height for low, height in zip(floor, heights, strict=True)]
    epoch_axis(axes)
    axes.set(ylabel="share of the gradient", xlim=(0.5, len(epochs) + 0.5), ylim=(0, 1))
    percent_axis(axes.yaxis)
    legend_beside(axes, reverse=True)
    footnote(
        figure, "gradient norms at the student's outputs in each epoch's first step, sum 100 %"
    )
    return figure


def agreement_figure(series: Mapping[str, Sequence[float]], classes: int) -> Figure:
    """Draw in how many samples the student names the class that each teacher names."""
    figure, axes = new_figure("How often student and teacher name the same class")
    for (name, values), colour in zip(series.items(), SERIES * len(series), strict=False):
        _curve(axes, values, colour, name)
    _level(axes, 1 / classes, QUIET, f"guessing among {classes} classes: {1 / classes:.1%}")
    _finish(axes, "share of samples", len(next(iter(series.values()))))
    footnote(figure, "on the samples that are learnt, as they are shown in training")
    return figure


def student_overlap_figure(
    series: Mapping[str, Sequence[float]], teachers: Mapping[str, Mapping[str, Any]]
) -> Figure:
    """Draw how many of each teacher's focal channels are the embedded student's strongest too."""
    figure, axes = new_figure(
        "How many of the teacher's focal channels are the student's strongest"
    )
    levels = {name: told["focal"] / told["channels"] for name, told in teachers.items()}
    for (name, values), colour in zip(series.items(), SERIES * len(series), strict=False):
        _curve(axes, values, colour, name)
    for level in sorted(set(levels.values())):
        of_whom = ", ".join(name for name in series if levels.get(name) == level)
        whose = "" if len(set(levels.values())) == 1 else f" ({of_whom})"
        _level(axes, level, QUIET, f"chance: {level:.1%}{whose}")
    _finish(axes, "share of the focal channels", len(next(iter(series.values()))))
    footnote(
        figure,
        "mean over samples of |student's K ∩ teacher's K| / K, the student embedded; only terms "
        "that compare magnitudes ask for it",
    )
    return figure


def _series(epochs: Sequence[Mapping[str, float]], kind: str) -> dict[str, list[float]]:
    """Return the metrics `kind/NAME` by name; not a number where an epoch has none."""
    found = {name: None for metrics in epochs for name in metrics if name.startswith(f"{kind}/")}
    return {
        name.removeprefix(f"{kind}/"): [metrics.get(name, math.nan) for metrics in epochs]
        for name in found
    }


def _spoken(term: str) -> str:
    return term.replace("_", " ").replace("/", " · ")


def _curve(axes: Any, values: Sequence[float], colour: str, label: str) -> None:
    numbers = range(1, len(values) + 1)
    marker = "o" if len(values) < 20 else None
    axes.plot(
        numbers, values, color=colour, linewidth=1.8, marker=marker, markersize=4, label=label
    )


def _level(axes: Any, height: float, colour: str, label: str) -> None:
    axes.axhline(height, color=colour, linewidth=1.2, linestyle=(0, (4, 3)), label=label)


def _finish(axes: Any, quantity: str, epochs: int) -> None:
    epoch_axis(axes)
    axes.set(ylabel=quantity, xlim=(0.5, epochs + 0.5), ylim=(0, 1.02))
    axes.grid(axis="y", color=FAINT)
    percent_axis(axes.yaxis)
    legend_beside(axes)
