"""The arms that a confirmation compares, trained alike but for their terms."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fckd.config.documents import with_fields
from fckd.config.experiment import Experiment
from fckd.config.objective import LogitSettings

STUDENT_ALONE = "student alone"
LOGITS = "logits"
FCKD = "fckd"
BASELINES = 2
"""Arms that are no finalists: the student alone and plain logit distillation."""


@dataclass(frozen=True)
class Arm:
    """One way to train the student.

    Attributes:
        name: `student alone`, `logits`, `fckd` (`fckd 2`, … for further finalists).
        experiment: With everything that the search chose.
        parameters: The fields that the search chose.
        trial_key: Of the search trial that chose them; empty for the baselines.
    """

    name: str
    experiment: Experiment
    parameters: Mapping[str, Any]
    trial_key: str = ""


def arms(base: Experiment, finalists: list[tuple[str, Mapping[str, Any]]]) -> list[Arm]:
    """Return the baselines and the finalists.

    The baselines are trained as the first finalist is (student, views, schedule), without its
    distillation terms; plain logit distillation has the weight and temperature of the space's
    base experiment, or the usual weight 1 if that has none.

    Args:
        base: The space's experiment.
        finalists: (trial key, searched fields), best first by validation.
    """
    best = with_fields(base, finalists[0][1], "the best trial")
    plain = base.objective.logits
    if plain.weight == 0:
        plain = LogitSettings(weight=1.0, temperature=plain.temperature)
    no_features = {"objective.correlation.weight": 0.0, "objective.distribution.weight": 0.0}
    logits = {
        "objective.logits.weight": plain.weight,
        "objective.logits.temperature": plain.temperature,
    }
    alone = with_fields(best, {**no_features, "objective.logits.weight": 0.0}, STUDENT_ALONE)
    found = [
        Arm(STUDENT_ALONE, alone, {}),
        Arm(LOGITS, with_fields(best, {**no_features, **logits}, LOGITS), logits),
    ]
    for number, (key, fields) in enumerate(finalists, start=1):
        name = FCKD if number == 1 else f"{FCKD} {number}"
        found.append(Arm(name, with_fields(base, fields, name), fields, key))
    return found
