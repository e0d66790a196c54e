"""Optuna's samplers, as a space asks for them."""

import warnings

from optuna.exceptions import ExperimentalWarning
from optuna.samplers import (
    BaseSampler,
    CmaEsSampler,
    GPSampler,
    NSGAIISampler,
    RandomSampler,
    TPESampler,
)

from fckd.config.space import Space

SEEDS = 2**32
GENERATIONS = 8
"""That the budget is to suffice for."""
SMALLEST_POPULATION = 8


def sampler_of(space: Space, begun: int) -> BaseSampler:
    """Return the sampler of a search that has had `begun` attempts before.

    They move its seed on: a search that is taken up again must not draw its first trials again.
    """
    seed = (space.search.seed + begun) % SEEDS
    startup = max(4, space.budget.trials // 3)
    with warnings.catch_warnings():
        # Groups (what a conditional space needs) and Gaussian processes are called experimental.
        warnings.simplefilter("ignore", ExperimentalWarning)
        match space.search.sampler:
            case "tpe":
                return TPESampler(
                    seed=seed,
                    multivariate=True,
                    group=True,
                    constant_liar=True,
                    n_startup_trials=startup,
                )
            case "gp":
                return GPSampler(seed=seed, n_startup_trials=startup)
            case "cmaes":
                return CmaEsSampler(
                    seed=seed, n_startup_trials=startup, warn_independent_sampling=False
                )
            case "nsga2":
                population = max(SMALLEST_POPULATION, space.budget.trials // GENERATIONS)
                return NSGAIISampler(seed=seed, population_size=population)
            case "random" | "grid":  # a grid is queued as points
                return RandomSampler(seed=seed)
