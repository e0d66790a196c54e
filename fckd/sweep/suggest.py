"""From the parameters of a space to Optuna's suggestions, define-by-run."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from fckd.config.conditions import FOCAL, hold, in_order, met, weight_of, weight_of_term
from fckd.config.documents import with_fields
from fckd.config.experiment import Experiment
from fckd.config.objective import FOCAL_TERMS
from fckd.config.parameters import ChoiceParameter, Parameter, may_be_off, to_try
from fckd.config.space import Space
from fckd.errors import UserError

TEACHERS = "weighting.weights."

Fields = dict[str, Any]


class Drawer(Protocol):
    """What chooses values: Optuna's trial, or a walk over a grid."""

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Return one of the choices."""

    def suggest_int(self, name: str, low: int, high: int, *, step: int, log: bool) -> int:
        """Return an integer of the range."""

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None, log: bool
    ) -> float:
        """Return a number of the range."""


def switch(name: str) -> str:
    """Return the name of the parameter that says whether a term is on."""
    return f"{name}.on"


def suggester(space: Space) -> Callable[[Drawer], Fields]:
    """Return the function that draws a trial's fields.

    A term that is off has weight 0 and nothing else under its prefix; without a focal term there
    are no focal channels to choose. A teacher that is off is dropped; the last one stays. What
    waits for a condition that is not met is left as the experiment has it.
    """
    parameters, experiment = space.search.parameters, space.experiment
    order = in_order(parameters)

    def suggest(drawer: Drawer) -> Fields:
        fields: Fields = {}
        for name in order:
            if hold(parameters, name, fields) and _has_use(experiment, name, fields):
                stays = name.startswith(TEACHERS) and _is_last_teacher(experiment, fields)
                fields[name] = _draw(drawer, name, parameters[name], stays=stays)
        return fields

    return suggest


def fixed(space: Space, point: Mapping[str, Any]) -> Fields:
    """Return the Optuna parameters of a point of the space."""
    values: Fields = {}
    for name, value in point.items():
        if may_be_off(space.search.parameters[name]):
            values[switch(name)] = value != 0
            if value == 0:
                continue
        values[name] = value
    return values


def check_bounds(space: Space) -> None:
    """Try every choice of every searched parameter, and of a range what tells of the rest.

    Each is tried on the space's experiment, with the first values that let it be drawn of what it
    waits for.

    Raises:
        UserError: A parameter is no field of the experiment or cannot be searched, or the space
            refuses a value.
    """
    for name, parameter in space.search.parameters.items():
        if name.endswith(".weights"):
            raise UserError(
                f"search.parameters.{name}: pretrained weights",
                "weights that are fetched before anything starts",
                "make them arms of a comparison (fckd compare)",
            )
        if name.startswith("corpus."):
            raise UserError(
                f"search.parameters.{name}: what is learnt and validated on",
                "one corpus and one division for all trials, or their accuracies do not compare",
                "run one sweep for each, with --set experiment.corpus.…",
            )
        if _shapes_lessons(space, name) and not isinstance(parameter, ChoiceParameter):
            raise UserError(
                f"search.parameters.{name}: a range",
                "choices: the first trial of each value trains teachers and makes lessons for it",
                "write choices: [VALUE, …], or make them arms of a comparison (fckd compare)",
            )
        others = met(space.search.parameters, name)
        for value in to_try(parameter):
            fields = {name: value, **others}
            shown = ", ".join(f"{field} = {fields[field]!r}" for field in fields)
            experiment_with(space, fields, f"search.parameters.{shown}: the space")


def _shapes_lessons(space: Space, name: str) -> bool:
    """Return whether stored lessons have to be made anew if this field of a trial changes."""
    may_be_stored = space.experiment.teaching == "lessons" or "teaching" in space.search.parameters
    return bool(space.terms) and may_be_stored and name.startswith(("views.", "teachers."))


def experiment_with(space: Space, fields: Mapping[str, Any], place: str) -> Experiment:
    """Return a space's experiment with dotted fields set, such as its execution can train.

    Raises:
        UserError: A field does not exist, or the space refuses a value.
    """
    return with_fields(
        space, {f"experiment.{name}": fields[name] for name in fields}, place
    ).experiment


def _has_use(experiment: Experiment, name: str, fields: Fields) -> bool:
    """Return whether a parameter changes anything, given the fields that are drawn already."""
    if fields.get(weight_of(name)) == 0:
        return False
    return not name.startswith(FOCAL) or _has_focal_term(experiment, fields)


def _has_focal_term(experiment: Experiment, fields: Fields) -> bool:
    base = {term: getattr(experiment.objective, term).weight for term in FOCAL_TERMS}
    return any(fields.get(weight_of_term(term), base[term]) for term in FOCAL_TERMS)


def _is_last_teacher(experiment: Experiment, fields: Fields) -> bool:
    dropped = [name for name, value in fields.items() if name.startswith(TEACHERS) and value == 0]
    return len(dropped) == len(experiment.teachers) - 1


def _draw(drawer: Drawer, name: str, parameter: Parameter, *, stays: bool) -> str | float:
    if may_be_off(parameter) and not stays:
        on = drawer.suggest_categorical(switch(name), [True, False])
        if not on:
            return 0.0
    return _draw_value(drawer, name, parameter)


def _draw_value(drawer: Drawer, name: str, parameter: Parameter) -> str | float:
    if isinstance(parameter, ChoiceParameter):
        choice: str | float = drawer.suggest_categorical(name, parameter.choices)
        return choice
    low, high, step = parameter.low, parameter.high, parameter.step
    if parameter.integer:
        step = int(step or 1)
        return drawer.suggest_int(name, int(low), int(high), step=step, log=parameter.log)
    return drawer.suggest_float(name, low, high, step=step, log=parameter.log)
