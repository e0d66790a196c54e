"""The look that all figures share. Drawn without pyplot, whose global state is not thread-safe."""

from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

# Names of classes, arms and sweeps are written as they are: two $ are no formula.
matplotlib.rcParams["text.parse_math"] = False

INK = "#1f2933"
QUIET = "#9aa5b1"
FAINT = "#e4e7eb"
MAIN = "#2b6cb0"
ACCENT = "#d9730d"
BAD = "#c0392b"
SERIES = (MAIN, ACCENT, "#2f855a", "#805ad5", BAD, "#2c7a7b", "#b83280", "#744210")
"""Colours of series side by side; after the last one they begin again."""
BLUES = LinearSegmentedColormap.from_list("calm", ["#ffffff", "#bcd6ee", MAIN, "#123e6b"])
"""Of a share: white is none, dark is all."""

WIDTH = 7.2
HEIGHT = 4.0


def new_figure(title: str, width: float = WIDTH, height: float = HEIGHT) -> tuple[Figure, Any]:
    """Return a figure with one titled set of axes."""
    figure = Figure(figsize=(width, height), dpi=150, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    figure.suptitle(title, x=0.01, ha="left", fontsize=11, color=INK)
    axes.tick_params(colors=INK, labelsize=8.5, length=0)
    axes.xaxis.label.set(color=INK, fontsize=9)
    axes.yaxis.label.set(color=INK, fontsize=9)
    for side, spine in axes.spines.items():
        spine.set_visible(side in ("left", "bottom"))
        spine.set_color(QUIET)
    return figure, axes


def message_figure(title: str, message: str) -> Figure:
    """Return a figure that says why there is nothing to draw."""
    figure, axes = new_figure(title, height=1.6)
    axes.set_axis_off()
    axes.text(0, 0.6, message, fontsize=10, color=INK, wrap=True, transform=axes.transAxes)
    return figure


def footnote(figure: Figure, text: str) -> None:
    """Write a quiet line below the figure."""
    figure.supxlabel(text, x=0.01, ha="left", fontsize=7.5, color="#616e7c")


def epoch_axis(axes: Any) -> None:
    """Count epochs along x in whole numbers."""
    axes.set_xlabel("epoch")
    axes.xaxis.get_major_locator().set_params(integer=True)


def legend_beside(axes: Any, *, reverse: bool = False) -> None:
    """Name the series to the right of the axes, where they hide nothing."""
    place = {"loc": "center left", "bbox_to_anchor": (1, 0.5)}
    axes.legend(frameon=False, fontsize=8, labelcolor=INK, reverse=reverse, **place)


def percent_axis(axis: Any) -> None:
    """Show shares as per cent."""
    axis.set_major_formatter(lambda value, _position: f"{100 * value:.4g} %")


def save(figure: Figure, path: Path) -> Path:
    """Write the figure as PNG."""
    figure.savefig(path, format="png")
    return path
