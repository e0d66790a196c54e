"""A space: an experiment, what to search in it, the budget, and how the result is confirmed."""

from typing import Literal, Self

from pydantic import Field, model_validator

from fckd.config.base import Configuration, Seed
from fckd.config.campaign import Campaign
from fckd.config.conditions import check, in_every_trial, weight_of_term
from fckd.config.objective import ObjectiveSettings
from fckd.config.parameters import AnyParameter, RangeParameter
from fckd.config.protocols import Protocols, check_protocols

SearchObjective = Literal["accuracy", "parameters", "flops", "milliseconds"]


class Budget(Configuration):
    """What the search may spend; whichever ends first."""

    trials: int = Field(
        12, ge=1, description="of the search, also those that end early; retries do not count"
    )
    minutes: float | None = Field(
        None,
        gt=0,
        description="since the search began or was resumed: no further trial is started",
    )
    device_hours: float | None = Field(
        None,
        gt=0,
        description="of GPUs, or of CPUs where workers have none; of the whole sweep: teachers, "
        "lessons, failed attempts and the confirmation count, and the search leaves as much as "
        "the confirmation will need",
    )


class SearchSettings(Configuration):
    """How the space is searched, and for what.

    `grid` tries every combination, in an order that `seed` shuffles. `cmaes` evolves the numbers
    that every trial has and draws the rest at random. `gp` models every parameter. `nsga2` evolves
    a population towards several objectives.

    With several `objectives` the search looks for students that no other beats in all of them:
    accuracy on validation is to be high; parameters, flops and milliseconds of a prediction are to
    be low.
    """

    sampler: Literal["tpe", "random", "grid", "cmaes", "gp", "nsga2"] = Field(
        "tpe", description="how trials are chosen, after `points`"
    )
    objectives: tuple[SearchObjective, ...] = Field(
        ("accuracy",), description="accuracy comes first, then each cost once"
    )
    seed: Seed = Field(0, description="seed of what is drawn")
    parameters: dict[str, AnyParameter] = Field(
        min_length=1,
        description="by dotted field of the experiment, such as `focal.ratio`; what is not "
        "searched is as the experiment has it",
    )
    points: tuple[dict[str, str | int | float | bool], ...] = Field(
        (), description="tried first; parameters that a point leaves out are sampled"
    )
    warm_start: str | None = Field(
        None,
        description="id or name of an earlier sweep in the same storage: its best points, one for "
        "every four trials of the budget, are tried after `points`",
    )

    @model_validator(mode="after")
    def _conditions_can_be_met(self) -> Self:
        check(self.parameters)
        return self

    @model_validator(mode="after")
    def _a_grid_has_steps(self) -> Self:
        for name, parameter in self.parameters.items():
            continuous = isinstance(parameter, RangeParameter) and parameter.stride is None
            if self.sampler == "grid" and continuous:
                raise ValueError(f"a grid needs steps, and {name} has none: add a step, or choices")
        return self

    @model_validator(mode="after")
    def _accuracy_comes_first(self) -> Self:
        first, *costs = self.objectives or ("",)
        if first != "accuracy" or len(set(costs)) < len(costs) or "accuracy" in costs:
            raise ValueError(
                f"objectives: {', '.join(self.objectives) or 'none'}: accuracy comes first, then "
                "each cost once"
            )
        if self.sampler == "nsga2" and not costs:
            raise ValueError(
                "nsga2 weighs several objectives: add a cost to objectives, or choose tpe"
            )
        if self.sampler == "cmaes" and costs:
            raise ValueError("cmaes knows one objective: choose nsga2 or tpe")
        return self

    @model_validator(mode="after")
    def _the_sampler_can_search_it(self) -> Self:
        always = [name for name in self.parameters if in_every_trial(self.parameters, name)]
        sometimes = sorted(set(self.parameters) - set(always))
        if self.sampler == "gp" and sometimes:
            raise ValueError(
                "gp models parameters that every trial has, and some trials go without "
                f"{', '.join(sometimes)}: choose tpe, or let nothing be off"
            )
        numbers = [name for name in always if isinstance(self.parameters[name], RangeParameter)]
        if self.sampler == "cmaes" and len(numbers) < 2:
            raise ValueError(
                f"cmaes evolves two or more ranges that every trial has, and finds {len(numbers)}: "
                "choose tpe, or let fewer terms be off"
            )
        return self


class StoppingSettings(Configuration):
    """Which trials end early, by their validation accuracy at the end of every epoch.

    `halving`: one trial in `reduction` passes each rung (ASHA); the first rung is `grace_epochs`.
    `median`: after `grace_epochs`, a trial must have been as good as the median of those finished.
    """

    rule: Literal["halving", "median", "none"] = Field(
        "none", description="what ends a trial before its last epoch"
    )
    grace_epochs: int = Field(5, ge=1, description="epochs that every trial gets")
    reduction: int = Field(
        3,
        ge=2,
        description="of halving; rungs are after grace_epochs × 1, reduction, reduction², … epochs",
    )


class ConfirmationSettings(Configuration):
    """The best trials by validation are retrained with fresh seeds on train + validation.

    Of several `protocols` the search still sees the experiment's own alone, as the literature does.
    What it chose may have learnt there from clips that another protocol tests on.
    """

    finalists: int = Field(
        1, ge=0, description="best trials that are confirmed; 0 ends the sweep with its search"
    )
    seeds: int = Field(
        5, ge=2, description="runs of each finalist, of the student alone, and of plain logits"
    )
    first_seed: Seed = Field(
        1000, description="`training.seed` of the first of them; the others count on from it"
    )
    protocols: Protocols = ()


class Space(Campaign):
    """A sweep: the content of a file in `tune_spaces/`."""

    search: SearchSettings
    budget: Budget = Budget()
    stopping: StoppingSettings = StoppingSettings()
    confirmation: ConfirmationSettings = ConfirmationSettings()

    @model_validator(mode="after")
    def _points_lie_in_the_space(self) -> Self:
        for number, point in enumerate(self.search.points):
            for name, value in point.items():
                parameter = self.search.parameters.get(name)
                if parameter is None:
                    raise ValueError(f"search.points[{number}] fixes {name}, which is not searched")
                if not parameter.contains(value):
                    raise ValueError(f"search.points[{number}]: {name} = {value} is not searched")
        return self

    @model_validator(mode="after")
    def _several_objectives_stop_nothing(self) -> Self:
        if len(self.search.objectives) > 1 and self.stopping.rule != "none":
            raise ValueError(
                f"stopping.rule: {self.stopping.rule} goes by accuracy alone, and would end the "
                "cheap students that search.objectives asks for: choose none"
            )
        return self

    @model_validator(mode="after")
    def _an_earlier_sweep_is_another(self) -> Self:
        if self.search.warm_start == self.name:
            raise ValueError(
                f"search.warm_start: {self.name} is this space's own name: "
                "give the whole id of an earlier sweep"
            )
        return self

    @model_validator(mode="after")
    def _protocols_are_the_sources(self) -> Self:
        check_protocols(self.experiment.corpus.source, self.confirmation.protocols)
        return self

    @property
    def terms(self) -> frozenset[str]:
        """The distillation terms that a trial may have: on in the experiment, or searched."""
        on = {term for term, _ in self.experiment.objective.active()}
        weights = {weight_of_term(term): term for term in ObjectiveSettings.model_fields}
        return frozenset(on | {weights[name] for name in self.search.parameters if name in weights})

    @model_validator(mode="after")
    def _there_is_something_to_confirm(self) -> Self:
        if not self.confirmation.finalists:
            return self
        search_only = "or set confirmation.finalists: 0 for a search alone"
        if not self.experiment.teachers:
            raise ValueError(
                "a sweep distils: experiment.teachers must name at least one teacher, "
                f"{search_only}"
            )
        if not self.terms - {"logits"}:
            raise ValueError(
                "a sweep confirms what distils by more than plain logits, and no other term of "
                f"objective is on or searched: add one, {search_only}"
            )
        return self
