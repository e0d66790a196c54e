"""The arms that are compared with the same seeds, trained alike but for some fields."""

from collections.abc import Mapping
from dataclasses import dataclass
from operator import attrgetter
from typing import Any

from fckd.config.comparison import Comparison
from fckd.config.documents import with_fields
from fckd.config.experiment import Experiment
from fckd.config.objective import LogitSettings, ObjectiveSettings
from fckd.config.space import ConfirmationSettings
from fckd.errors import UserError

STUDENT_ALONE = "student alone"
LOGITS = "logits"
FCKD = "fckd"
BASELINES = 2
"""Arms that are no finalists: the student alone and plain logit distillation."""


@dataclass(frozen=True)
class Arm:
    """One way to train the student.

    Attributes:
        name: `student alone`, `logits`, `fckd` (`fckd 2`, … for further finalists), or what a
            comparison calls it.
        experiment: With everything that was chosen.
        parameters: The fields that were chosen.
        trial_key: Of the search trial that chose them; empty for all but finalists.
    """

    name: str
    experiment: Experiment
    parameters: Mapping[str, Any]
    trial_key: str = ""


def arms(
    base: Experiment,
    finalists: list[tuple[str, Mapping[str, Any]]],
    own: Mapping[str, Mapping[str, Any]] | None = None,
) -> list[Arm]:
    """Return the baselines and the finalists of a sweep.

    The baselines are the first finalist's student under its views, without its distillation terms,
    and trained as it is but for what `own` says: a training that suits a taught student need not
    suit one alone. Plain logit distillation has the weight and temperature of the space's base
    experiment, or the usual weight 1 if that has none.

    Args:
        base: The space's experiment.
        finalists: (trial key, searched fields), best first by validation.
        own: By baseline the searched fields of its training (see `is_of_training`).
    """
    own = own or {}
    best = with_fields(base, finalists[0][1], "the best trial")
    plain = base.objective.logits
    if plain.weight == 0:
        plain = LogitSettings(weight=1.0, temperature=plain.temperature)
    off = {f"objective.{term}.weight": 0.0 for term in ObjectiveSettings.model_fields}
    alone = dict(own.get(STUDENT_ALONE, {}))
    logits = {
        **own.get(LOGITS, {}),
        "objective.logits.weight": plain.weight,
        "objective.logits.temperature": plain.temperature,
    }
    found = [
        Arm(STUDENT_ALONE, with_fields(best, {**off, **alone}, STUDENT_ALONE), alone),
        Arm(LOGITS, with_fields(best, {**off, **logits}, LOGITS), logits),
    ]
    for number, (key, fields) in enumerate(finalists, start=1):
        experiment = with_fields(base, fields, "a finalist")
        name = _name(experiment) + (f" {number}" if number > 1 else "")
        found.append(Arm(name, experiment, fields, key))
    return found


def is_of_training(field: str) -> bool:
    """Return whether a field says how a student is trained, not what it is or who teaches it."""
    return field.startswith("training.") or field == "student.dropout"


def confirmation_runs(settings: ConfirmationSettings) -> int:
    """Return how many students a confirmation trains: arms × seeds × protocols.

    Without finalists there is none.
    """
    arms = settings.finalists + BASELINES if settings.finalists else 0
    return arms * settings.seeds * (len(settings.protocols) or 1)


def comparison_arms(comparison: Comparison) -> list[Arm]:
    """Return the arms of a comparison, in its order.

    Raises:
        UserError: An arm sets a field that is not there, the experiment refuses a value, or the
            arm needs another corpus.
    """
    found = [
        Arm(name, with_fields(comparison.experiment, fields, f"arms.{name}"), fields)
        for name, fields in comparison.arms.items()
    ]
    for arm in found:
        _check_corpus(arm, comparison.experiment)
    return found


def under(experiment: Experiment, protocol: str | None) -> Experiment:
    """Return `experiment` under a protocol; under its own if there is none."""
    if protocol is None:
        return experiment
    return with_fields(experiment, {"corpus.protocol": protocol}, f"protocol {protocol}")


def _check_corpus(arm: Arm, shared: Experiment) -> None:
    makes = tuple(f"corpus.{name}" for name in shared.corpus.made_from)
    for field in (each for each in arm.parameters if each.startswith(makes)):
        value, expected = (attrgetter(field)(each) for each in (arm.experiment, shared))
        if value != expected:
            raise UserError(
                f"arms.{arm.name} sets {field} to {value!r}",
                f"{expected!r} as in the experiment: all arms share one corpus",
                f"take it out; run one comparison for each corpus, with --set experiment.{field}=…",
            )


def _name(experiment: Experiment) -> str:
    """Return `fckd`, or what the terms are called if none of them is focal."""
    objective = experiment.objective
    if objective.uses_focal:
        return FCKD
    return " + ".join(term.replace("_", " ") for term, _ in objective.active())
