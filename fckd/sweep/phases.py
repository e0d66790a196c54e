"""The phases of a campaign as ledgers: what is asked for, and the task that answers it."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import optuna
from optuna.storages import BaseStorage

from fckd.config.documents import with_fields
from fckd.config.space import Space
from fckd.files import fingerprint
from fckd.sweep.arms import Arm, arms
from fckd.sweep.grid import grid
from fckd.sweep.ledger import FIELDS, KEY, Asked, Ledger, Point, key_of
from fckd.sweep.samplers import sampler_of
from fckd.sweep.stopping import pruner_of
from fckd.sweep.suggest import fixed, suggester
from fckd.train.study import Part
from fckd.train.task import Task

ARM, SEED = "arm", "seed"


@dataclass(frozen=True)
class Order:
    """A task with what people call it and what is shown of it."""

    name: str
    task: Task
    epochs: int
    parameters: Mapping[str, Any]
    tags: Mapping[str, str]


class Phase(Protocol):
    """A ledger, and how its trials become tasks."""

    name: str
    metric: str
    ledger: Ledger

    def order(self, asked: Asked) -> Order:
        """Return the task of a trial."""


class Search:
    """Trials of the space, measured on validation.

    Args:
        space: What is searched.
        sweep: The sweep's id.
        storage: The ledger.
        folder: Of the sweep; a trial's files are kept below it.
        earlier: Points of an earlier sweep, tried after those of the space.
    """

    name = "search"
    metric = "validation/accuracy"

    def __init__(
        self,
        space: Space,
        sweep: str,
        storage: BaseStorage,
        folder: Path,
        earlier: Sequence[Mapping[str, Any]] = (),
    ) -> None:
        self.space, self.folder = space, folder
        points = _points(space, earlier)
        self.ledger = Ledger(
            storage=storage,
            name=sweep,
            limit=len(points) if space.search.sampler == "grid" else space.budget.trials,
            suggest=suggester(space),
            sampler=lambda begun: sampler_of(space, begun),
            pruner=pruner_of(space.stopping),
            points=points,
        )

    def order(self, asked: Asked) -> Order:
        """Return the task of a trial of the space."""
        place = f"trial {asked.number}"
        experiment = with_fields(self.space.experiment, asked.fields, place)
        task = Task(
            asked.key,
            experiment.model_dump(mode="json"),
            "train",
            str(self.folder / "trials" / asked.key),
        )
        name = asked.key.removeprefix(f"{self.ledger.name}-")
        return Order(name, task, experiment.training.epochs, asked.fields, {})

    def finalists(self) -> list[tuple[str, Mapping[str, Any]]]:
        """Return (trial key, fields) of the best finished trials with more than plain logits."""
        found = []
        for trial in self.ledger.ended:
            fields = trial.user_attrs.get(FIELDS, {})
            if trial.state is optuna.trial.TrialState.COMPLETE and trial.value is not None:
                experiment = with_fields(self.space.experiment, fields, "a trial")
                if any(term != "logits" for term, _ in experiment.objective.active()):
                    found.append((trial.value, key_of(self.ledger.name, trial), fields))
        found.sort(key=lambda entry: (-entry[0], entry[1]))
        return [(key, fields) for _, key, fields in found[: self.space.confirmation.finalists]]


class Repetitions:
    """Arms × seeds: the confirmation of a sweep, or a comparison.

    Args:
        name: `confirmation` or `comparison`.
        arms: The first is what the others are held against.
        seeds: Each arm is trained with each of them.
        part: What is learnt from. On `train` validation is measured; on `train+validation` the
            test split, which is read once for each run.
        campaign: Its id. What is trained the same way has the same key in every set of arms: it
            is not trained again.
        storage: The ledger.
        folder: Of the campaign; a run's files are kept below it.
    """

    def __init__(
        self,
        name: str,
        arms: Sequence[Arm],
        seeds: Sequence[int],
        part: Part,
        campaign: str,
        storage: BaseStorage,
        folder: Path,
    ) -> None:
        self.name, self.arms, self.part, self.folder = name, arms, part, folder
        self.split = "validation" if part == "train" else "test"
        self.metric = f"{self.split}/accuracy"
        self.keys = {
            (arm.name, seed): f"{campaign}-{_slug(arm)}-{seed}" for seed in seeds for arm in arms
        }
        self.ledger = Ledger(
            storage=storage,
            name=f"{campaign}-{name}-{fingerprint(sorted({_slug(arm) for arm in arms}))[:6]}",
            limit=len(self.keys),
            suggest=lambda _: {},
            sampler=lambda _: optuna.samplers.RandomSampler(seed=0),
            pruner=optuna.pruners.NopPruner(),
            points=[
                Point(key, {}, {KEY: key, ARM: arm, SEED: seed})
                for (arm, seed), key in self.keys.items()
            ],
        )

    def order(self, asked: Asked) -> Order:
        """Return the task of an arm under a seed."""
        arm = next(arm for arm in self.arms if arm.name == asked.attributes[ARM])
        seed = int(asked.attributes[SEED])
        experiment = with_fields(arm.experiment, {"training.seed": seed}, arm.name)
        described = experiment.model_dump(mode="json")
        task = Task(asked.key, described, self.part, str(self.place(asked.key)))
        tags = {"fckd.arm": arm.name, "fckd.seed": str(seed)}
        parameters = {**arm.parameters, ARM: arm.name, "training.seed": seed}
        return Order(f"{arm.name} {seed}", task, experiment.training.epochs, parameters, tags)

    def place(self, key: str) -> Path:
        """Return the folder of a run."""
        return self.folder / "trials" / key


def confirmation(
    space: Space,
    sweep: str,
    storage: BaseStorage,
    folder: Path,
    finalists: list[tuple[str, Mapping[str, Any]]],
) -> Repetitions:
    """Return the confirmation of what the search found."""
    settings = space.confirmation
    return Repetitions(
        "confirmation",
        arms(space.experiment, finalists),
        range(settings.first_seed, settings.first_seed + settings.seeds),
        "train+validation",
        sweep,
        storage,
        folder,
    )


def _points(space: Space, earlier: Sequence[Mapping[str, Any]]) -> list[Point]:
    """Return what is tried first, each point once; a grid is nothing but points."""
    listed = [fixed(space, point) for point in (*space.search.points, *earlier)]
    if space.search.sampler == "grid":
        listed += grid(space)
    points = {fingerprint(values): values for values in listed}
    found = [Point(identity, values, {}) for identity, values in points.items()]
    return found[: space.budget.trials]


def _slug(arm: Arm) -> str:
    """Return an arm's name for folders, with a fingerprint of how it is trained."""
    plain = re.sub(r"[^a-z0-9]+", "-", arm.name.lower()).strip("-")
    return f"{plain}-{fingerprint([arm.name, arm.experiment.model_dump(mode='json')])[:6]}"
