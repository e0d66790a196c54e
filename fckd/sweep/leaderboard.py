"""What the confirmation found: means, intervals and a verdict in words."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from optuna.trial import FrozenTrial, TrialState
from scipy import stats

from fckd.sweep.arms import FCKD, STUDENT_ALONE
from fckd.sweep.ledger import REASON
from fckd.sweep.phases import ARM, SEED, Confirmation
from fckd.train.task import read_outcome

CONFIDENCE = 0.95

Interval = tuple[float, float]


def leaderboard(
    confirmation: Confirmation,
    sweep: str,
    source: str,
    counts: Mapping[str, int],
    classes: Sequence[str],
) -> dict[str, Any]:
    """Return the leaderboard as JSON values.

    Args:
        confirmation: After its trials have ended.
        sweep: The sweep's id.
        source: The benchmark.
        counts: Samples of train, validation and test.
        classes: Their names.

    Returns:
        `arms` in the order of the confirmation, each with its scores by seed (accuracy on the test
        split, 0..1), mean, deviation, 95 % t interval over seeds, the paired difference to the
        student alone with its interval, and the summed confusion table; `failed` runs with their
        reasons; and `verdict`.
    """
    scores = _scores(confirmation)
    alone = scores.get(STUDENT_ALONE, {})
    rows = [
        {
            "arm": arm.name,
            "parameters": dict(arm.parameters),
            "trial": arm.trial_key,
            "confusion": _confusion(confirmation, scores[arm.name], arm.name),
            **_summary(scores[arm.name]),
            "difference": None if arm.name == STUDENT_ALONE else _gain(scores[arm.name], alone),
        }
        for arm in confirmation.arms
        if scores.get(arm.name)
    ]
    failed = _failed(confirmation)
    return {
        "sweep": sweep,
        "source": source,
        "split": "test",
        "counts": dict(counts),
        "classes": list(classes),
        "arms": rows,
        "failed": failed,
        "verdict": verdict(rows) + _lost(len(failed), len(confirmation.keys)),
        "registered": None,
    }


def t_interval(values: Sequence[float]) -> Interval:
    """Return the 95 % t interval of the mean; a single value has an interval of no width."""
    mean = float(np.mean(values))
    if len(values) < 2 or np.ptp(values) == 0:
        return mean, mean
    low, high = stats.t.interval(CONFIDENCE, len(values) - 1, mean, stats.sem(values))
    return float(low), float(high)


def verdict(rows: Sequence[Mapping[str, Any]]) -> str:
    """Say in words whether FCKD is ahead of the student alone; within noise is called so."""
    found = next((row for row in rows if row["arm"] == FCKD), None)
    gain = found and found["difference"]
    if gain is None or gain["n"] < 2:
        return "No verdict: FCKD and the student alone have fewer than two seeds in common."
    low, high = gain["interval"]
    points = f"{100 * gain['mean']:+.1f} points [{100 * low:+.1f}, {100 * high:+.1f}]"
    measured = f"{points} over {gain['n']} paired seeds, 95 % interval"
    if low > 0:
        return f"FCKD is ahead of the student alone by {measured}."
    if high < 0:
        return f"FCKD is behind the student alone: {measured}."
    return f"FCKD and the student alone are within noise: {measured}."


def _scores(confirmation: Confirmation) -> dict[str, dict[int, FrozenTrial]]:
    found: dict[str, dict[int, FrozenTrial]] = {}
    for (arm, seed), trial in _runs(confirmation).items():
        if trial.state is TrialState.COMPLETE:
            found.setdefault(arm, {})[seed] = trial
    return found


def _failed(confirmation: Confirmation) -> list[dict[str, Any]]:
    return [
        {"arm": arm, "seed": seed, "reason": trial.user_attrs.get(REASON, "")}
        for (arm, seed), trial in _runs(confirmation).items()
        if trial.state is not TrialState.COMPLETE
    ]


def _lost(failed: int, runs: int) -> str:
    if not failed:
        return ""
    return f" {failed} of {runs} runs failed and {'is' if failed == 1 else 'are'} not counted."


def _runs(confirmation: Confirmation) -> dict[tuple[str, int], FrozenTrial]:
    """Return what was asked for now; an earlier confirmation may have had more seeds."""
    ended = {
        (str(trial.user_attrs[ARM]), int(trial.user_attrs[SEED])): trial
        for trial in confirmation.ledger.ended
    }
    return {run: ended[run] for run in confirmation.keys if run in ended}


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
    trials: Mapping[int, FrozenTrial], alone: Mapping[int, FrozenTrial]
) -> dict[str, Any] | None:
    shared = sorted(set(trials) & set(alone))
    if not shared:
        return None
    gains = [_value(trials[seed]) - _value(alone[seed]) for seed in shared]
    return {
        "against": STUDENT_ALONE,
        "n": len(gains),
        "mean": float(np.mean(gains)),
        "interval": list(t_interval(gains)),
    }


def _confusion(
    confirmation: Confirmation, trials: Mapping[int, FrozenTrial], arm: str
) -> list[list[int]]:
    tables = [
        np.array(read_outcome(confirmation.place(confirmation.keys[arm, seed])).confusion)
        for seed in sorted(trials)
    ]
    summed: list[list[int]] = np.sum(tables, axis=0).tolist()
    return summed


def _value(trial: FrozenTrial) -> float:
    if trial.value is None:
        raise ValueError(f"trial {trial.number} is complete but has no value")
    return trial.value
