"""Figures of the teachers' focal channels: whose they are, and when they matter in a clip."""

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

from matplotlib.figure import Figure

from fckd.tracking.canvas import (
    ACCENT,
    BLUES,
    FAINT,
    INK,
    MAIN,
    QUIET,
    footnote,
    legend_beside,
    new_figure,
    percent_axis,
)
from fckd.tracking.figures import short_classes

Json = Mapping[str, Any]

PAIRS = {
    "views": ("two views of a sample", "#123e6b"),
    "one class": ("two samples of a class", MAIN),
    "two classes": ("samples of two classes", "#7fb0dc"),
}
BAR = 0.26


def overlap_figure(teachers: Mapping[str, Json]) -> Figure:
    """Draw how much the focal sets of two samples have in common, with what chance gives."""
    figure, axes = new_figure("Focal channels that two samples have in common", height=3.4)
    for place, (kind, (label, colour)) in enumerate(PAIRS.items()):
        drawn = [
            (row + (place - 1) * BAR, told["overlap"][kind])
            for row, told in enumerate(teachers.values())
            if kind in told["overlap"]
        ]
        if drawn:
            bars = axes.bar(*zip(*drawn, strict=True), width=BAR - 0.03, color=colour, label=label)
            axes.bar_label(bars, fmt=lambda share: f"{100 * share:.0f}", fontsize=8, color=INK)
    for row, told in enumerate(teachers.values()):
        # Of labels that begin with an underscore the legend shows nothing.
        label = "_" if row else "chance (K of C)"
        chance = told["overlap"]["chance"]
        axes.hlines(chance, row - 0.45, row + 0.45, color=ACCENT, linewidth=1.6, label=label)
    names = [f"{name}\n{told['focal']} of {told['channels']}" for name, told in teachers.items()]
    axes.set_xticks(range(len(names)), names)
    axes.set(ylabel="share of the focal channels", ylim=(0, 1.08), xlim=(-0.6, len(names) - 0.4))
    percent_axis(axes.yaxis)
    legend_beside(axes)
    footnote(figure, "mean over all pairs of learnt samples; numbers: per cent")
    return figure


def frequency_figure(teacher: str, told: Json) -> Figure:
    """Draw in what share of each class's samples each channel of a teacher is focal."""
    frequency = told["frequency"]
    rows, columns = len(frequency["classes"]), len(frequency["channels"])
    width, height = max(7.2, 0.12 * columns + 2.4), max(2.6, 0.2 * rows + 1.6)
    figure, axes = new_figure(f"For which action a channel of {teacher} is focal", width, height)
    drawn = axes.imshow(frequency["shares"], cmap=BLUES, vmin=0, vmax=1, aspect="auto")
    axes.set_yticks(range(rows), short_classes(frequency["classes"], rows))
    axes.set_xticks(range(columns), [str(channel) for channel in frequency["channels"]])
    axes.tick_params(axis="x", labelrotation=90, labelsize=6)
    axes.tick_params(axis="y", labelsize=8 if rows <= 30 else 6)
    axes.set_xlabel("channel")
    chance = told["focal"] / told["channels"]
    bar = figure.colorbar(drawn, ax=axes, fraction=0.03, pad=0.01)
    bar.set_ticks([0, chance, 1], labels=["never", f"chance {chance:.0%}", "always"])
    bar.ax.tick_params(labelsize=7.5, length=0, colors=INK)
    bar.outline.set_visible(False)
    footnote(figure, _kept(columns, told))
    return figure


def likeness_figure(likeness: Json) -> Figure:
    """Draw for each two teachers whether they ask the same of the student's channels."""
    names, values = likeness["teachers"], likeness["values"]
    pairs = list(combinations(range(len(names)), 2))
    figure, axes = new_figure(
        "Do the teachers ask for the same channels of the student?", height=1.7 + 0.4 * len(pairs)
    )
    heights = [values[one][other] for one, other in pairs]
    bars = axes.barh(range(len(pairs)), heights, height=0.55, color=MAIN)
    axes.bar_label(bars, fmt="%+.2f", fontsize=8.5, color=INK, padding=3)
    axes.axvline(0, color=ACCENT, linewidth=1.6)
    labels = [f"{names[one]} and {names[other]}" for one, other in pairs]
    axes.set_yticks(range(len(pairs)), labels)
    axes.set(xlim=(-1.1, 1.1), ylim=(len(pairs) - 0.4, -0.6), xlabel="correlation")
    footnote(
        figure,
        "of each student channel's share in the embedding of a teacher's focal channels;\n"
        "1: the same channels, 0: chance, below: they divide the student among them",
    )
    return figure


def clip_figure(teacher: str, clip: Json, saliency: Mapping[str, Sequence[float]]) -> Figure:
    """Draw when in a clip a teacher's focal channels are strong, and the student's."""
    title = f"When the focal channels of {teacher} are strong: {clip['action']}"
    figure, axes = new_figure(title, height=3)
    for who, colour in (("teacher", MAIN), ("student", ACCENT)):
        steps = saliency[who]
        places = [(step + 0.5) / len(steps) for step in range(len(steps))]
        label = f"{who}, {len(steps)} time steps"
        axes.plot(places, steps, "o-", color=colour, linewidth=1.8, markersize=4, label=label)
    axes.axhline(1, color=QUIET, linewidth=1.2, linestyle=(0, (4, 3)), label="the clip's mean")
    axes.set(xlabel="place in the clip", ylabel="mean |activation|, relative", xlim=(0, 1))
    axes.set_ylim(bottom=0)
    axes.grid(axis="y", color=FAINT)
    percent_axis(axes.xaxis)
    legend_beside(axes)
    footnote(figure, f"sample {clip['sample']}, view {clip['view']}, learnt; the student embedded")
    return figure


def _kept(columns: int, told: Json) -> str:
    channels = told["channels"]
    if columns == channels:
        return f"all {channels} channels, side by side those that are focal most for one action"
    return (
        f"the {columns} of {channels} channels that differ most between actions, "
        "side by side those that are focal most for one"
    )
