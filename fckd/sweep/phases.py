"""The phases of a campaign as ledgers: what is asked for, and the task that answers it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import optuna
from optuna.storages import BaseStorage
from optuna.trial import FrozenTrial, TrialState

from fckd.config.documents import with_fields
from fckd.config.experiment import Experiment, identity
from fckd.config.space import Space
from fckd.files import fingerprint
from fckd.sweep.arms import LOGITS, STUDENT_ALONE, Arm, arms, is_of_training, under
from fckd.sweep.front import accuracy_of, spread, unbeaten
from fckd.sweep.grid import grid
from fckd.sweep.ledger import FIELDS, KEY, Asked, Ledger, Point, key_of
from fckd.sweep.samplers import sampler_of
from fckd.sweep.stopping import pruner_of
from fckd.sweep.suggest import experiment_with, fixed, suggester
from fckd.train.study import Part
from fckd.train.task import Task

ARM, SEED, PROTOCOL = "arm", "seed", "protocol"
ENDED_UNDER = "ended under"
"""Of a search's study: the budget, stopping rule and points with which it was ended."""
UNCONFIRMED = "unconfirmed"
"""Of a search's study: whether a confirmation of what it found has begun and is not complete."""


@dataclass(frozen=True)
class Order:
    """A task with what people call it and what is shown of it."""

    name: str
    task: Task
    epochs: int
    parameters: Mapping[str, Any]
    tags: Mapping[str, str]


class Phase(Protocol):
    """A ledger, and how its trials become tasks.

    Attributes:
        metric: What is to be high, of the metrics of an epoch.
        costs: What is to be low, of the metrics of an outcome.
        is_search: Whether it may end with trials undone, when its budget is spent.
    """

    name: str
    is_search: bool
    metric: str
    costs: tuple[str, ...]
    ledger: Ledger

    @property
    def done(self) -> int:
        """How many of its trials have ended."""

    def order(self, asked: Asked) -> Order:
        """Return the task of a trial.

        Raises:
            UserError: It cannot be trained.
        """


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
    is_search = True
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
        self.costs = tuple(f"student/{cost}" for cost in space.search.objectives[1:])
        points = points_of(space, earlier)
        self.ledger = Ledger(
            storage=storage,
            name=sweep,
            limit=None if space.search.sampler == "grid" else space.budget.trials,
            suggest=suggester(space),
            sampler=lambda begun: sampler_of(space, begun),
            pruner=pruner_of(space.stopping),
            points=points,
            costs=space.search.objectives[1:],
        )

    @property
    def done(self) -> int:
        """How many trials have ended."""
        return len(self.ledger.ended)

    def order(self, asked: Asked) -> Order:
        """Return the task of a trial of the space.

        Raises:
            UserError: The space refuses this combination of values.
        """
        name = asked.key.removeprefix(f"{self.ledger.name}-")
        experiment = experiment_with(self.space, asked.fields, f"trial {name}")
        task = Task(
            asked.key,
            experiment.model_dump(mode="json"),
            "train",
            str(self.folder / "trials" / asked.key),
        )
        return Order(name, task, experiment.training.epochs, asked.fields, {})

    @property
    def was_ended(self) -> bool:
        """Whether it was ended, and nothing has changed that could lead to a further trial.

        Device-hours that are raised for a confirmation to go on are spent on that alone: further
        trials could lead to other finalists, for which the test samples would be read once more.
        """
        kept = self.ledger.study.user_attrs
        ended, terms = kept.get(ENDED_UNDER), self._terms_of_its_end
        if ended is not None and kept.get(UNCONFIRMED):
            ended, terms = _but_hours(ended), _but_hours(terms)
        return bool(ended == terms)

    def end(self) -> None:
        """Take note that it is over."""
        self.ledger.study.set_user_attr(ENDED_UNDER, self._terms_of_its_end)

    @contextmanager
    def confirmed_by(self, runs: Phase) -> Iterator[None]:
        """Take note that `runs` begin and, if the block does not raise, are complete."""
        incomplete = runs.done < runs.ledger.planned
        self.ledger.study.set_user_attr(UNCONFIRMED, value=incomplete)
        yield
        self.ledger.study.set_user_attr(UNCONFIRMED, value=False)

    @property
    def _terms_of_its_end(self) -> dict[str, Any]:
        space = self.space.model_dump(mode="json")
        search = {name: space["search"][name] for name in ("points", "warm_start")}
        return {"budget": space["budget"], "stopping": space["stopping"], **search}

    def finalists(self) -> list[tuple[str, Mapping[str, Any]]]:
        """Return (trial key, fields) of the best finished trials with more than plain logits.

        The most accurate first. Where students have costs too, they are such as no other beats in
        everything, spread evenly from the most accurate to the cheapest.
        """
        trials = [trial for trial in self.best_first() if self._terms(trial) - {"logits"}]
        chosen = spread(unbeaten(trials), self.space.confirmation.finalists)
        if not self.costs:
            chosen = trials[: self.space.confirmation.finalists]
        return [(key_of(self.ledger.name, trial), trial.user_attrs[FIELDS]) for trial in chosen]

    def own_training(self, finalist: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
        """Return by baseline the searched fields of training of its best finished trial.

        Trials of another student than the finalist's say nothing, and nothing is returned of a
        baseline that none tried.

        Args:
            finalist: The first one's fields.
        """
        student = self._student(finalist)
        baselines: dict[frozenset[str], str] = {
            frozenset(): STUDENT_ALONE,
            frozenset({"logits"}): LOGITS,
        }
        found: dict[str, dict[str, Any]] = {}
        for trial in self.best_first():
            name, fields = baselines.get(self._terms(trial)), trial.user_attrs[FIELDS]
            if name and name not in found and self._student(fields) == student:
                found[name] = {f: value for f, value in fields.items() if is_of_training(f)}
        return found

    def best_first(self) -> list[FrozenTrial]:
        """Return the finished trials, the most accurate first."""
        # Optuna gives a pruned trial the last value that it reported, of an earlier epoch.
        complete = (trial for trial in self.ledger.ended if trial.state is TrialState.COMPLETE)
        trials = [trial for trial in complete if accuracy_of(trial) is not None]
        return sorted(
            trials, key=lambda trial: (-(accuracy_of(trial) or 0), key_of(self.ledger.name, trial))
        )

    def epoch_seconds(self) -> Iterator[float]:
        """Yield what every epoch of the finished trials took on the average, trial by trial."""
        for trial in self.ledger.ended:
            epochs = len(trial.intermediate_values) if trial.state is TrialState.COMPLETE else 0
            if trial.duration and epochs:
                yield from [trial.duration.total_seconds() / epochs] * epochs

    def _terms(self, trial: FrozenTrial) -> frozenset[str]:
        experiment = with_fields(self.space.experiment, trial.user_attrs[FIELDS], "a trial")
        return frozenset(term for term, _ in experiment.objective.active())

    def _student(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        student = with_fields(self.space.experiment, fields, "a trial").student
        return student.model_dump(exclude={"dropout"})


class Run(NamedTuple):
    """One of the runs of a confirmation or comparison; no protocol: the experiment's own."""

    arm: str
    seed: int
    protocol: str | None = None


class Repetitions:
    """Arms × seeds × protocols: the confirmation of a sweep, or a comparison.

    Args:
        name: `confirmation` or `comparison`.
        arms: The first is what the others are held against.
        seeds: Each arm is trained with each of them.
        protocols: Under each of them, with its own teachers; none: under the experiment's own.
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
        protocols: Sequence[str],
        part: Part,
        campaign: str,
        storage: BaseStorage,
        folder: Path,
    ) -> None:
        self.name, self.arms, self.part, self.folder = name, arms, part, folder
        self.protocols = tuple(protocols)
        self.costs: tuple[str, ...] = ()
        self.is_search = False
        self.split = "validation" if part == "train" else "test"
        self.metric = f"{self.split}/accuracy"
        slugs = {
            (arm.name, protocol): _slug(arm.name, under(arm.experiment, protocol), protocol)
            for protocol in self.protocols or (None,)
            for arm in arms
        }
        self.keys = {
            Run(arm, seed, protocol): f"{campaign}-{slug}-{seed}"
            for seed in seeds
            for (arm, protocol), slug in slugs.items()
        }
        self.ledger = Ledger(
            storage=storage,
            name=f"{campaign}-{name}-{fingerprint(sorted(slugs.values()))[:6]}",
            limit=None,
            suggest=lambda _: {},
            sampler=lambda _: optuna.samplers.RandomSampler(seed=0),
            pruner=optuna.pruners.NopPruner(),
            points=[
                Point(key, {}, {KEY: key, ARM: run.arm, SEED: run.seed, PROTOCOL: run.protocol})
                for run, key in self.keys.items()
            ],
        )

    @property
    def done(self) -> int:
        """How many of its runs have ended; the ledger may have some of other seeds, too."""
        ended = {key_of(self.ledger.name, trial) for trial in self.ledger.ended}
        return len(ended & set(self.keys.values()))

    def order(self, asked: Asked) -> Order:
        """Return the task of an arm under a seed and a protocol."""
        arm = next(arm for arm in self.arms if arm.name == asked.attributes[ARM])
        seed, protocol = int(asked.attributes[SEED]), asked.attributes.get(PROTOCOL)
        experiment = under(arm.experiment, protocol)
        experiment = with_fields(experiment, {"training.seed": seed}, arm.name)
        described = experiment.model_dump(mode="json")
        task = Task(asked.key, described, self.part, str(self.place(asked.key)))
        tags = {"fckd.arm": arm.name, "fckd.seed": str(seed)}
        parameters = {**arm.parameters, ARM: arm.name, "training.seed": seed}
        name = f"{arm.name} {seed}"
        if protocol is not None:
            name = f"{name} {protocol}"
            tags["fckd.protocol"] = parameters["corpus.protocol"] = protocol
        return Order(name, task, experiment.training.epochs, parameters, tags)

    def first(self, arm: str, seed: int) -> Run:
        """Return the run of an arm and a seed under the first protocol."""
        return Run(arm, seed, self.protocols[0] if self.protocols else None)

    def place(self, key: str) -> Path:
        """Return the folder of a run."""
        return self.folder / "trials" / key


def confirmation(
    space: Space,
    sweep: str,
    storage: BaseStorage,
    folder: Path,
    finalists: list[tuple[str, Mapping[str, Any]]],
    own: Mapping[str, Mapping[str, Any]] | None = None,
) -> Repetitions:
    """Return the confirmation of what the search found: see `arms`."""
    settings = space.confirmation
    return Repetitions(
        "confirmation",
        arms(space.experiment, finalists, own),
        range(settings.first_seed, settings.first_seed + settings.seeds),
        settings.protocols,
        "train+validation",
        sweep,
        storage,
        folder,
    )


def points_of(space: Space, earlier: Sequence[Mapping[str, Any]]) -> list[Point]:
    """Return what is tried first, each point once; a grid is nothing but points."""
    listed = [fixed(space, point) for point in (*space.search.points, *earlier)]
    if space.search.sampler == "grid":
        listed += grid(space)
    points = {fingerprint(values): values for values in listed}
    found = [Point(identity, values, {}) for identity, values in points.items()]
    return found[: space.budget.trials]


def _but_hours(terms: Mapping[str, Any]) -> dict[str, Any]:
    return {**terms, "budget": {**terms["budget"], "device_hours": None}}


def _slug(arm: str, experiment: Experiment, protocol: str | None) -> str:
    """Return a name for folders, with a fingerprint of how the arm is trained."""
    words = arm if protocol is None else f"{arm} {protocol}"
    plain = re.sub(r"[^a-z0-9]+", "-", words.lower()).strip("-")
    return f"{plain}-{fingerprint([arm, identity(experiment)])[:6]}"
