"""Figures of the search, read from the trials that Optuna stored."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure
from optuna import Study
from optuna.importance import FanovaImportanceEvaluator, get_param_importances
from optuna.trial import FrozenTrial, TrialState

from fckd.names import SUPERSEDED, TRIAL_KEY
from fckd.tracking.canvas import (
    ACCENT,
    BAD,
    FAINT,
    INK,
    MAIN,
    QUIET,
    epoch_axis,
    footnote,
    message_figure,
    new_figure,
    percent_axis,
)
from fckd.tracking.names import short_names
from fckd.tracking.parameter_axis import ParameterAxis, axis_of

FEW_TRIALS = 20
"""Below this, an importance is a hint and is called one."""
MOST_TRIALS = 500
"""In an importance: the time of fANOVA grows nearly with the square of their number."""

HISTORY = "How the search went"
IMPORTANCE = "Which parameters mattered"
PARALLEL = "Parameters of every trial"
CURVES = "Validation accuracy, epoch by epoch"

_ORDER = LinearSegmentedColormap.from_list("calm", ["#d3dae3", "#7fb0dc", MAIN, "#123e6b"])


@dataclass(frozen=True)
class Trials:
    """The trials of a study by how they ended."""

    finished: Sequence[FrozenTrial]
    pruned: Sequence[FrozenTrial]
    failed: Sequence[FrozenTrial]

    @property
    def best(self) -> FrozenTrial | None:
        """The finished trial of highest value."""
        return max(self.finished, key=value_of, default=None)


def trials_of(study: Study) -> Trials:
    """Return the study's ended trials."""
    trials = [t for t in study.get_trials(deepcopy=False) if SUPERSEDED not in t.user_attrs]

    def in_state(state: TrialState) -> list[FrozenTrial]:
        return [trial for trial in trials if trial.state == state]

    return Trials(
        [trial for trial in in_state(TrialState.COMPLETE) if math.isfinite(value_of(trial))],
        in_state(TrialState.PRUNED),
        in_state(TrialState.FAIL),
    )


def value_of(trial: FrozenTrial) -> float:
    """Return the accuracy that a finished trial reached, or the last that a stopped one reported.

    Of several values the first is the accuracy.
    """
    if trial.values:
        return float(trial.values[0])
    reported = trial.intermediate_values
    return float(reported[max(reported)]) if reported else math.nan


def number_of(trial: FrozenTrial) -> int:
    """Return the number that logs, status and MLflow give a trial: attempts do not count."""
    key: str = trial.user_attrs.get(TRIAL_KEY, "")
    return int(key.rpartition("-")[2]) if key else trial.number


def history_figure(study: Study) -> Figure:
    """Draw every trial's result, and the best so far."""
    trials = trials_of(study)
    if not (trials.finished or trials.pruned or trials.failed):
        return message_figure(HISTORY, "No trial has ended.")
    figure, axes = new_figure(HISTORY)
    if trials.finished:
        numbers = [number_of(trial) for trial in trials.finished]
        best = numpy.maximum.accumulate([value_of(trial) for trial in trials.finished])
        axes.step(numbers, best, where="post", color=ACCENT, linewidth=1.8, label="best so far")
    _dots(axes, trials.finished, "o", MAIN, f"finished ({len(trials.finished)})")
    _dots(axes, trials.pruned, "v", QUIET, f"stopped early ({len(trials.pruned)})")
    _mark_failed(axes, trials.failed)
    if not trials.finished:
        footnote(figure, "no trial ran to its end")
    last = max(map(number_of, (*trials.finished, *trials.pruned, *trials.failed)))
    axes.set(xlabel="trial", ylabel="validation accuracy", xlim=(-0.5, last + 0.5))
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.grid(axis="y", color=FAINT)
    percent_axis(axes.yaxis)
    axes.legend(frameon=False, fontsize=8, loc="best")
    return figure


def importance_figure(study: Study) -> Figure:
    """Draw fANOVA importances of the parameters that every finished trial has.

    Of more than `MOST_TRIALS` so many are looked at, from the first to the last alike.
    """
    finished = trials_of(study).finished
    if len(finished) < 2:
        return message_figure(
            IMPORTANCE, f"Needs two finished trials or more; there are {len(finished)}."
        )
    chosen = _evenly(finished, MOST_TRIALS)
    if len({value_of(trial) for trial in chosen}) == 1:
        return message_figure(IMPORTANCE, "All finished trials reached the same accuracy.")
    varied = _varied(chosen)
    if not varied:
        return message_figure(IMPORTANCE, "No parameter varied in all finished trials.")
    shares = _importances(study, chosen, varied)
    figure, axes = new_figure(IMPORTANCE, height=1.5 + 0.38 * len(shares))
    names = short_names({name for trial in finished for name in trial.params})
    _importance_bars(axes, shares, names)
    footnote(figure, _importance_note(len(chosen), len(finished), shares, names))
    return figure


def parallel_figure(study: Study) -> Figure:
    """Draw each finished trial as a line through its parameters to its accuracy."""
    trials = sorted(trials_of(study).finished, key=value_of)
    if not trials:
        return message_figure(PARALLEL, "No trial ran to its end.")
    axes_of = [axis_of(name, trials) for name in sorted({n for t in trials for n in t.params})]
    figure, axes = new_figure(PARALLEL, width=max(7.2, 1.25 * len(axes_of) + 2.5), height=4.4)
    _draw_parameter_axes(axes, axes_of)
    low, high = value_of(trials[0]), value_of(trials[-1])
    for rank, trial in enumerate(trials):
        _draw_trial(axes, axes_of, trial, rank / max(len(trials) - 1, 1), low, high)
    _draw_result_axis(axes, len(axes_of), low, high)
    footnote(
        figure, "orange: the best; darker: better; a line breaks where a trial has no such value"
    )
    return figure


def curves_figure(study: Study) -> Figure:
    """Draw the validation accuracy of every trial over its epochs."""
    trials = trials_of(study)
    drawn = [t for t in (*trials.pruned, *trials.finished) if t.intermediate_values]
    if not drawn:
        return message_figure(CURVES, "The ledger has no epochs; every run in MLflow has them.")
    figure, axes = new_figure(CURVES)
    for trial in drawn:
        pruned = trial.state == TrialState.PRUNED
        _curve(axes, trial, QUIET if pruned else MAIN, 0.7 if pruned else 0.45)
        last = max(trial.intermediate_values)
        if pruned:
            axes.plot(last, trial.intermediate_values[last], "v", color=QUIET, markersize=5)
    if trials.best is not None and trials.best.intermediate_values:
        _curve(axes, trials.best, ACCENT, 1.0, f"best: trial {number_of(trials.best)}")
        axes.legend(frameon=False, fontsize=8, loc="best")
    epoch_axis(axes)
    axes.set_ylabel("validation accuracy")
    axes.grid(axis="y", color=FAINT)
    percent_axis(axes.yaxis)
    footnote(figure, f"trials drawn: {len(drawn)}; grey with a mark: stopped early")
    return figure


SEARCH_FIGURES: Mapping[str, Callable[[Study], Figure]] = {
    "history": history_figure,
    "importance": importance_figure,
    "parallel": parallel_figure,
    "curves": curves_figure,
}


def _dots(axes: Any, trials: Sequence[FrozenTrial], marker: str, colour: str, label: str) -> None:
    drawn = [trial for trial in trials if math.isfinite(value_of(trial))]
    if drawn:
        numbers, values = [number_of(t) for t in drawn], [value_of(t) for t in drawn]
        axes.plot(numbers, values, marker, color=colour, markersize=6, alpha=0.85, label=label)


def _mark_failed(axes: Any, trials: Sequence[FrozenTrial]) -> None:
    if trials:
        floor = axes.get_ylim()[0]
        numbers = [number_of(trial) for trial in trials]
        label = f"failed ({len(trials)})"
        axes.plot(numbers, [floor] * len(trials), "x", color=BAD, label=label, clip_on=False)


def _varied(trials: Sequence[FrozenTrial]) -> list[str]:
    """Return the parameters that every trial has and that are not the same in all of them."""
    shared = set.intersection(*(set(trial.params) for trial in trials))
    return sorted(name for name in shared if len({trial.params[name] for trial in trials}) > 1)


def _evenly(trials: Sequence[FrozenTrial], most: int) -> Sequence[FrozenTrial]:
    if len(trials) <= most:
        return trials
    return [trials[place] for place in numpy.linspace(0, len(trials) - 1, most).astype(int)]


def _importances(study: Study, chosen: Sequence[FrozenTrial], names: list[str]) -> dict[str, float]:
    numbers = {trial.number for trial in chosen}

    def target(trial: FrozenTrial) -> float:
        # Optuna leaves out what is not finite.
        return value_of(trial) if trial.number in numbers else math.nan

    evaluator = FanovaImportanceEvaluator(seed=0)
    return get_param_importances(study, evaluator=evaluator, params=names, target=target)


def _importance_bars(axes: Any, shares: Mapping[str, float], names: Mapping[str, str]) -> None:
    rows = sorted(shares, key=lambda name: shares[name])
    axes.barh([names[row] for row in rows], [shares[row] for row in rows], color=MAIN, height=0.6)
    for row, name in enumerate(rows):
        axes.text(shares[name] + 0.01, row, f"{shares[name]:.0%}", va="center", fontsize=8.5)
    axes.set_xlim(0, max(shares.values()) * 1.15 + 0.02)
    axes.set_ylim(-0.7, len(rows) - 0.3)
    axes.spines["bottom"].set_visible(False)
    axes.set_xticks([])


def _importance_note(
    count: int, finished: int, shares: Mapping[str, float], names: Mapping[str, str]
) -> str:
    missing = sorted(names[name] for name in set(names) - set(shares))
    of = "" if count == finished else f" of {finished}"
    chosen = ", evenly chosen" if of else ""
    note = f"share of the variance of validation accuracy (fANOVA, {count}{of} trials{chosen})"
    note += "; so few trials give a hint, not a proof" if count < FEW_TRIALS else ""
    return note + (f"\nnot in every trial, or constant: {', '.join(missing)}" if missing else "")


def _draw_parameter_axes(axes: Any, parameters: Sequence[ParameterAxis]) -> None:
    names = short_names([parameter.name for parameter in parameters])
    for place, parameter in enumerate(parameters):
        axes.axvline(place, color=QUIET, linewidth=0.8)
        for height, text in parameter.ticks:
            axes.annotate(
                text, (place, height), (4, 0), textcoords="offset points", fontsize=7.5,
                color=INK, va="center", zorder=5, bbox={"fc": "white", "ec": "none", "pad": 0.6,
                                                        "alpha": 0.8},
            )  # fmt: skip
    labels = [names[parameter.name].replace(" ", "\n") for parameter in parameters]
    axes.set_xticks(range(len(labels) + 1), [*labels, "validation\naccuracy"])
    axes.set_yticks([])
    axes.spines[["left", "bottom"]].set_visible(False)
    axes.set(xlim=(-0.2, len(labels) + 0.5), ylim=(-0.08, 1.08))


def _draw_trial(
    axes: Any,
    parameters: Sequence[ParameterAxis],
    trial: FrozenTrial,
    rank: float,
    low: float,
    high: float,
) -> None:
    best = rank == 1 or low == high
    heights = [
        parameter.height(trial.params[parameter.name]) if parameter.name in trial.params else None
        for parameter in parameters
    ]
    line = [math.nan if height is None else height for height in heights]
    line.append(_result_height(value_of(trial), low, high))
    axes.plot(
        range(len(line)), line, marker="o", markersize=3, color=ACCENT if best else _ORDER(rank),
        linewidth=2.4 if best else 1.2, alpha=1 if best else 0.8, zorder=4 if best else 2 + rank,
    )  # fmt: skip


def _draw_result_axis(axes: Any, place: int, low: float, high: float) -> None:
    axes.axvline(place, color=INK, linewidth=1)
    for value in sorted({low, high}):
        height = _result_height(value, low, high)
        axes.annotate(
            f"{value:.1%}", (place, height), (5, 0), textcoords="offset points", va="center",
            fontsize=8, color=INK,
        )  # fmt: skip


def _result_height(value: float, low: float, high: float) -> float:
    return (value - low) / (high - low) if high > low else 0.5


def _curve(axes: Any, trial: FrozenTrial, colour: str, alpha: float, label: str = "") -> None:
    epochs = sorted(trial.intermediate_values)
    values = [trial.intermediate_values[epoch] for epoch in epochs]
    width = 2.4 if label else 1.2
    marker = "o" if len(epochs) == 1 else None
    axes.plot(
        epochs, values, color=colour, alpha=alpha, linewidth=width, label=label or None,
        marker=marker, markersize=4,
    )  # fmt: skip
