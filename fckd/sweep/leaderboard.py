"""What arms × seeds found: means, intervals and a verdict in words."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy import stats

from fckd.config.experiment import Experiment
from fckd.errors import TrainingError
from fckd.files import write_json
from fckd.sweep.arms import FCKD, STUDENT_ALONE, Arm, is_of_training, under
from fckd.sweep.campaign import Opened, reasons
from fckd.sweep.phases import Repetitions, Run
from fckd.sweep.scores import Scoreboard, Scores
from fckd.train.task import bring_run

LEADERBOARD = "leaderboard.json"
TRIALS = "trials.json"
"""What a search alone leaves in place of a leaderboard."""
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
    protocols: Mapping[str, Mapping[str, int]] | None = None,
) -> dict[str, Any]:
    """Return the leaderboard as JSON values.

    Args:
        runs: After its trials have ended.
        sweep: The sweep's id.
        source: The benchmark.
        counts: Samples of train, validation and test.
        classes: Their names.
        protocols: The counts under each protocol of the runs, if they have several.

    Returns:
        `arms` in their order, each with its scores by seed (accuracy on `split`, 0..1, the mean
        over `protocols`), mean, deviation, 95 % t interval over seeds, the paired difference to
        the first arm with its interval, the same without difference `by_protocol`, and the summed
        confusion table; `failed` runs with their reasons; seeds that are `incomplete` because not
        all their protocols were finished; and `verdict`.
    """
    scores = Scoreboard(runs)
    rows = [_row(scores, arm) for arm in runs.arms if scores.of_arm(arm.name)]
    failed, incomplete = scores.failed(), scores.incomplete()
    return {
        "sweep": sweep,
        "source": source,
        "split": runs.split,
        "counts": dict(counts),
        "protocols": {name: dict(found) for name, found in (protocols or {}).items()},
        "classes": list(classes),
        "arms": rows,
        "failed": failed,
        "incomplete": incomplete,
        "verdict": verdict(rows, next((arm for arm in runs.arms if arm.trial_key), None))
        + _lost(len(failed), len(runs.keys))
        + _left_out(incomplete)
        + _in_parts(scores.in_parts())
        + _other_students([arm for arm in runs.arms if arm.name in {row["arm"] for row in rows}]),
        "registered": None,
    }


def write_leaderboard(runs: Repetitions, place: Opened, experiment: Experiment) -> dict[str, Any]:
    """Write what ended runs found to the campaign's folder, and return it.

    Raises:
        TrainingError: No run was finished.
        StorageLost: What runs have left cannot be fetched from S3.
    """
    workshop, corpus = place.workshop, place.workshop.corpus
    for key in runs.keys.values():
        bring_run(workshop, runs.place(key))
    protocols = {name: workshop.counts(under(experiment, name)) for name in runs.protocols}
    board = leaderboard(
        runs,
        place.identity,
        corpus.source,
        workshop.counts(experiment),
        corpus.classes,
        protocols,
    )
    if not board["arms"]:
        finished = "finished under all protocols" if runs.protocols else "finished"
        why = reasons(runs) or "none was started"
        raise TrainingError(f"no run of the {runs.name} was {finished}: {why}")
    write_json(place.folder / LEADERBOARD, board)
    return board


def _row(scores: Scoreboard, arm: Arm) -> dict[str, Any]:
    own = scores.of_arm(arm.name)
    protocols = scores.runs.protocols
    return {
        "arm": arm.name,
        "parameters": dict(arm.parameters),
        "trial": arm.trial_key,
        "confusion": scores.confusion(arm.name),
        **_summary(own),
        "by_protocol": {name: _summary(scores.of_protocol(arm.name, name)) for name in protocols},
        "difference": _gain(scores, arm.name, scores.runs.arms[0].name),
    }


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


def _lost(failed: int, runs: int) -> str:
    if not failed:
        return ""
    return f" {failed} of {runs} runs failed and {'is' if failed == 1 else 'are'} not counted."


def _left_out(incomplete: Sequence[Mapping[str, Any]]) -> str:
    if not incomplete:
        return ""
    listed = "; ".join(
        f"{each['arm']} {each['seed']} lacks {', '.join(each['missing'])}" for each in incomplete
    )
    return f" A seed counts only under all protocols: {listed}."


def _in_parts(runs: Sequence[tuple[Run, int]]) -> str:
    """Tell of runs that are no repetitions of their arm's others."""
    if not runs:
        return ""
    listed = ", ".join(f"{_called(run)} (parts of {size})" for run, size in runs)
    return f" Trained in parts, as memory ran out, so batch normalisation differs: {listed}."


def _called(run: Run) -> str:
    return " ".join(str(part) for part in run if part is not None)


def _other_students(arms: Sequence[Arm]) -> str:
    """Name the finalists that differ from the student alone in more than how they are taught."""
    alone = [_student(arm) for arm in arms if arm.name == STUDENT_ALONE]
    others = [arm.name for arm in arms if arm.trial_key and alone and _student(arm) != alone[0]]
    if not others:
        return ""
    return (
        f" Another student, or other views, than the student alone has: {', '.join(others)}; "
        "that difference is of student and teaching together."
    )


def _student(arm: Arm) -> dict[str, Any]:
    """Return what the arm's student is and reads, without what belongs to its training."""
    experiment = arm.experiment
    student = {f"student.{name}": value for name, value in experiment.student}
    kept = {field: value for field, value in student.items() if not is_of_training(field)}
    return {**kept, "views": experiment.views}


def _summary(scores: Scores) -> dict[str, Any]:
    seeds = sorted(scores)
    values = [scores[seed] for seed in seeds]
    return {
        "n": len(values),
        "mean": float(np.mean(values)),
        "deviation": float(np.std(values, ddof=1)) if len(values) > 1 else 0.0,
        "interval": list(t_interval(values)),
        "seeds": seeds,
        "scores": values,
    }


def _gain(scores: Scoreboard, arm: str, reference: str) -> dict[str, Any] | None:
    own, other = scores.of_arm(arm), scores.of_arm(reference)
    shared = sorted(set(own) & set(other))
    if arm == reference or not shared:
        return None
    gains = [own[seed] - other[seed] for seed in shared]
    return {
        "against": reference,
        "n": len(gains),
        "mean": float(np.mean(gains)),
        "interval": list(t_interval(gains)),
    }
