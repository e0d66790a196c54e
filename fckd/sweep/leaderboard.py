"""What arms × seeds found: means, intervals and a verdict in words."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from optuna.trial import FrozenTrial, TrialState
from scipy import stats

from fckd.config.experiment import Experiment
from fckd.errors import TrainingError
from fckd.files import write_json
from fckd.sweep.arms import FCKD, Arm
from fckd.sweep.campaign import Opened, reasons
from fckd.sweep.ledger import REASON
from fckd.sweep.phases import ARM, SEED, Repetitions
from fckd.train.task import read_outcome

LEADERBOARD = "leaderboard.json"
CONFIDENCE = 0.95
FEWEST_SEEDS = 3
"""Two differences that are equal by chance have an interval of no width."""

Interval = tuple[float, float]


def leaderboard(
    runs: Repetitions,
    sweep: str,
    source: str,
    counts: Mapping[str, int],
    classes: Sequence[str],
) -> dict[str, Any]:
    """Return the leaderboard as JSON values.

    Args:
        runs: After its trials have ended.
        sweep: The sweep's id.
        source: The benchmark.
        counts: Samples of train, validation and test.
        classes: Their names.

    Returns:
        `arms` in their order, each with its scores by seed (accuracy on `split`, 0..1), mean,
        deviation, 95 % t interval over seeds, the paired difference to the first arm with its
        interval, and the summed confusion table; `failed` runs with their reasons; and `verdict`.
    """
    scores = _scores(runs)
    reference = runs.arms[0].name
    rows = [
        {
            "arm": arm.name,
            "parameters": dict(arm.parameters),
            "trial": arm.trial_key,
            "confusion": _confusion(runs, scores[arm.name], arm.name),
            **_summary(scores[arm.name]),
            "difference": _gain(scores, arm.name, reference),
        }
        for arm in runs.arms
        if scores.get(arm.name)
    ]
    failed = _failed(runs)
    return {
        "sweep": sweep,
        "source": source,
        "split": runs.split,
        "counts": dict(counts),
        "classes": list(classes),
        "arms": rows,
        "failed": failed,
        "verdict": verdict(rows, next((arm for arm in runs.arms if arm.trial_key), None))
        + _lost(len(failed), len(runs.keys)),
        "registered": None,
    }


def write_leaderboard(runs: Repetitions, place: Opened, experiment: Experiment) -> dict[str, Any]:
    """Write what ended runs found to the campaign's folder, and return it.

    Raises:
        TrainingError: No run was finished.
    """
    corpus = place.workshop.corpus
    counts = place.workshop.counts(experiment)
    board = leaderboard(runs, place.identity, corpus.source, counts, corpus.classes)
    if not board["arms"]:
        raise TrainingError(f"no run of the {runs.name} was finished: {reasons(runs)}")
    write_json(place.folder / LEADERBOARD, board)
    return board


def t_interval(values: Sequence[float]) -> Interval:
    """Return the 95 % t interval of the mean; a single value has an interval of no width."""
    mean = float(np.mean(values))
    if len(values) < 2 or np.ptp(values) == 0:
        return mean, mean
    low, high = stats.t.interval(CONFIDENCE, len(values) - 1, mean, stats.sem(values))
    return float(low), float(high)


def verdict(rows: Sequence[Mapping[str, Any]], finalist: Arm | None = None) -> str:
    """Say in words who is ahead of the first arm; within noise is called so.

    Of a sweep its best finalist is spoken of, of a comparison every arm.
    """
    if finalist is not None:
        found = next((row for row in rows if row["arm"] == finalist.name), None)
        return _verdict_on(finalist.name, found)
    told = [row for row in rows if (row["difference"] or {}).get("n", 0) >= FEWEST_SEEDS]
    if not told:
        return "No verdict: no arm has three seeds in common with the first."
    groups: dict[str, list[str]] = {}
    for row in told:
        groups.setdefault(_standing(row["difference"]["interval"]), []).append(row["arm"])
    listed = "; ".join(f"{standing}: {', '.join(names)}" for standing, names in groups.items())
    return f"Against {told[0]['difference']['against']}, each by its own 95 % interval: {listed}."


def _verdict_on(arm: str, found: Mapping[str, Any] | None) -> str:
    name = "FCKD" if arm == FCKD else arm
    gain = found and found["difference"]
    if gain is None or gain["n"] < FEWEST_SEEDS:
        return f"No verdict: {name} and the student alone have fewer than three seeds in common."
    low, high = gain["interval"]
    points = f"{100 * gain['mean']:+.1f} points [{100 * low:+.1f}, {100 * high:+.1f}]"
    measured = f"{points} over {gain['n']} paired seeds, 95 % interval"
    return {
        "ahead": f"{name} is ahead of the student alone by {measured}.",
        "behind": f"{name} is behind the student alone: {measured}.",
        "within noise": f"{name} and the student alone are within noise: {measured}.",
    }[_standing(gain["interval"])]


def _standing(interval: Sequence[float]) -> str:
    low, high = interval
    return "ahead" if low > 0 else "behind" if high < 0 else "within noise"


def _scores(runs: Repetitions) -> dict[str, dict[int, FrozenTrial]]:
    found: dict[str, dict[int, FrozenTrial]] = {}
    for (arm, seed), trial in _runs(runs).items():
        if trial.state is TrialState.COMPLETE:
            found.setdefault(arm, {})[seed] = trial
    return found


def _failed(runs: Repetitions) -> list[dict[str, Any]]:
    return [
        {"arm": arm, "seed": seed, "reason": trial.user_attrs.get(REASON, "")}
        for (arm, seed), trial in _runs(runs).items()
        if trial.state is not TrialState.COMPLETE
    ]


def _lost(failed: int, runs: int) -> str:
    if not failed:
        return ""
    return f" {failed} of {runs} runs failed and {'is' if failed == 1 else 'are'} not counted."


def _runs(runs: Repetitions) -> dict[tuple[str, int], FrozenTrial]:
    """Return what was asked for now; an earlier confirmation may have had more seeds."""
    ended = {
        (str(trial.user_attrs[ARM]), int(trial.user_attrs[SEED])): trial
        for trial in runs.ledger.ended
    }
    return {run: ended[run] for run in runs.keys if run in ended}


def _summary(trials: Mapping[int, FrozenTrial]) -> dict[str, Any]:
    seeds = sorted(trials)
    values = [_value(trials[seed]) for seed in seeds]
    return {
        "n": len(values),
        "mean": float(np.mean(values)),
        "deviation": float(np.std(values, ddof=1)) if len(values) > 1 else 0.0,
        "interval": list(t_interval(values)),
        "seeds": seeds,
        "scores": values,
    }


def _gain(
    scores: Mapping[str, Mapping[int, FrozenTrial]], arm: str, reference: str
) -> dict[str, Any] | None:
    shared = sorted(set(scores[arm]) & set(scores.get(reference, {})))
    if arm == reference or not shared:
        return None
    gains = [_value(scores[arm][seed]) - _value(scores[reference][seed]) for seed in shared]
    return {
        "against": reference,
        "n": len(gains),
        "mean": float(np.mean(gains)),
        "interval": list(t_interval(gains)),
    }


def _confusion(runs: Repetitions, trials: Mapping[int, FrozenTrial], arm: str) -> list[list[int]]:
    tables = [
        np.array(read_outcome(runs.place(runs.keys[arm, seed])).confusion)
        for seed in sorted(trials)
    ]
    summed: list[list[int]] = np.sum(tables, axis=0).tolist()
    return summed


def _value(trial: FrozenTrial) -> float:
    if trial.value is None:
        raise ValueError(f"trial {trial.number} is complete but has no value")
    return trial.value
