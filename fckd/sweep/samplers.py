"""Optuna's samplers, as a space asks for them."""

import warnings

import numpy as np
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

GENERATIONS = 8
"""That the budget is to suffice for."""
SMALLEST_POPULATION = 8


def sampler_of(space: Space, begun: int) -> BaseSampler:
    """Return the sampler of the trial that begins after `begun` others.

    Its seed is mixed of the search's and that number, so that neither trials nor searches whose
    seeds are neighbours draw alike.
    """
    seed = int(np.random.SeedSequence([space.search.seed, begun]).generate_state(1)[0])
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
