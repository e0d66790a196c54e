"""When a trial is hopeless: the stopping rules of a space as Optuna's pruners."""

from optuna.pruners import BasePruner, MedianPruner, NopPruner, SuccessiveHalvingPruner

from fckd.config.space import StoppingSettings

FEWEST_FINISHED = 4
"""The median of fewer trials says little."""


def pruner_of(stopping: StoppingSettings) -> BasePruner:
    """Return what decides, at the end of an epoch, whether a trial is hopeless."""
    match stopping.rule:
        case "none":
            return NopPruner()
        case "halving":  # asynchronous (ASHA, Li et al., MLSys 2020)
            return SuccessiveHalvingPruner(
                min_resource=stopping.grace_epochs, reduction_factor=stopping.reduction
            )
        case "median":
            return MedianPruner(
                n_startup_trials=FEWEST_FINISHED, n_warmup_steps=stopping.grace_epochs
            )
