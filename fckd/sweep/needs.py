"""Which teachers and lessons have to be there before the first run. Knows no Ray."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fckd.config.documents import with_fields
from fckd.config.experiment import Experiment
from fckd.config.parameters import ChoiceParameter
from fckd.config.space import Space
from fckd.sweep.arms import under
from fckd.sweep.suggest import TEACHERS
from fckd.train.study import Part
from fckd.train.workshop import Workshop

CRITERION = "focal.criterion"
ALIVE = "learns with the student"

Variants = Mapping[Part, Mapping[str, Experiment]]
"""What runs learn from, and the experiments that learn from it by name; they may differ in
teachers, views, criterion and protocol. What several need is made once."""


@dataclass(frozen=True)
class Job:
    """A teacher to train, or its lessons to make; `stage` is its name."""

    stage: str
    experiment: Experiment
    teacher: str
    part: Part

    @property
    def asked(self) -> tuple[Experiment, str, Part]:
        """What a workshop is asked for."""
        return self.experiment, self.teacher, self.part


def jobs(
    variants: Variants, verb: str, folder: Callable[[Experiment, str, Part], Path]
) -> list[Job]:
    """Return one job for every folder that a variant needs, with a name of its own.

    Args:
        variants: What runs learn from.
        verb: `teach` or `lessons`.
        folder: Where a variant's teacher, or its lessons, of a part would be.
    """
    found: dict[Path, Job] = {}
    names: set[str] = set()
    for part, variant, experiment in _each(variants):
        for teacher in experiment.taught_by if experiment.needs_lessons else ():
            what = f"{verb} {teacher}"
            if verb == "lessons":
                what = f"{what} {experiment.focal.criterion}"
            stage = f"{what} ({_where(variants, part, experiment)})"
            stage += f" of {variant}" if stage in names else ""
            place = folder(experiment, teacher, part)
            if place not in found:
                found[place] = Job(stage, experiment, teacher, part)
                names.add(stage)
    return list(found.values())


def variants_of(space: Space) -> Variants:
    """Return what a sweep needs: its teachers, and lessons by every criterion that is searched.

    Of the experiment's own terms none need be on: the search may switch on what it likes, also a
    teacher whose weight is searched. Where no trial can have a term, nothing is needed.
    """
    if not space.terms:
        return {}
    parameter = space.search.parameters.get(CRITERION)
    searched = parameter.choices if isinstance(parameter, ChoiceParameter) else ()
    weights = {
        name: weight
        for name, weight in space.experiment.weighting.weights.items()
        if f"{TEACHERS}{name}" not in space.search.parameters
    }
    everything = {"objective.logits.weight": 1.0, "weighting.weights": weights}
    variants = {
        criterion: with_fields(space.experiment, {**everything, CRITERION: criterion}, CRITERION)
        for criterion in [str(space.experiment.focal.criterion), *map(str, searched)]
    }
    if not space.confirmation.finalists:
        return {"train": variants}
    confirmed = under_each(variants, space.confirmation.protocols)
    return {"train": variants, "train+validation": confirmed}


def taught_from(
    workshop: Workshop, experiment: Experiment, part: Part
) -> tuple[dict[str, str], dict[str, str]]:
    """Return the names of teachers and lessons that a student learns from, by teacher.

    Teachers that learn with their student leave none.
    """
    if not experiment.needs_lessons:
        alive = experiment.taught_by if experiment.objective.uses_lessons else ()
        return dict.fromkeys(alive, ALIVE), {}
    folders = (workshop.teacher_folder, workshop.lesson_folder)
    teachers, lessons = (
        {name: folder(experiment, name, part).name for name in experiment.taught_by}
        for folder in folders
    )
    return teachers, lessons


def under_each(
    variants: Mapping[str, Experiment], protocols: Sequence[str]
) -> dict[str, Experiment]:
    """Return every variant under every protocol; as it is if there are none."""
    if not protocols:
        return dict(variants)
    return {
        f"{name} {protocol}": under(experiment, protocol)
        for protocol in protocols
        for name, experiment in variants.items()
    }


def _each(variants: Variants) -> Iterator[tuple[Part, str, Experiment]]:
    for part, named in variants.items():
        for variant, experiment in named.items():
            yield part, variant, experiment


def _where(variants: Variants, part: Part, experiment: Experiment) -> str:
    """Return the part; if there are several protocols, of which."""
    protocols = {each.corpus.official_protocol for _, _, each in _each(variants)}
    return part if len(protocols) == 1 else f"{part} of {experiment.corpus.official_protocol}"
