"""When a trial is hopeless: the stopping rules of a space as Optuna's pruners."""

from optuna import Study
from optuna.pruners import BasePruner, MedianPruner, NopPruner
from optuna.trial import FrozenTrial

from fckd.config.space import StoppingSettings
from fckd.sweep.ledger import SUPERSEDED

FEWEST_FINISHED = 4
"""The median of fewer trials says little."""


def pruner_of(stopping: StoppingSettings) -> BasePruner:
    """Return what decides, at the end of an epoch, whether a trial is hopeless."""
    match stopping.rule:
        case "none":
            return NopPruner()
        case "halving":
            return Halving(stopping.grace_epochs, stopping.reduction)
        case "median":
            # It reads finished trials only, so that no superseded attempt is among them.
            return MedianPruner(
                n_startup_trials=FEWEST_FINISHED, n_warmup_steps=stopping.grace_epochs
            )


class Halving(BasePruner):
    """Asynchronous successive halving (ASHA, Li et al., MLSys 2020).

    Optuna's own would hold a trial that is tried again against its superseded attempts.

    Args:
        grace: Epochs of the first rung.
        reduction: Each rung lies so many times further; one trial in so many passes it.
    """

    def __init__(self, grace: int, reduction: int) -> None:
        self._grace, self._reduction = grace, reduction

    def prune(self, study: Study, trial: FrozenTrial) -> bool:
        """Return whether `trial` falls behind at a rung that its last report has reached."""
        reached = self._rungs(trial)
        if not reached:
            return False
        others = [
            other
            for other in study.get_trials(deepcopy=False)
            if SUPERSEDED not in other.user_attrs and other.number != trial.number
        ]
        return any(self._is_behind(trial, others, rung) for rung in reached)

    def _rungs(self, trial: FrozenTrial) -> list[int]:
        """Return the rungs above the report before the last one, up to the last one."""
        before, last = [0, 0, *sorted(trial.intermediate_values)][-2:]
        rungs, rung = [], self._grace
        while rung <= last:
            if rung > before:
                rungs.append(rung)
            rung *= self._reduction
        return rungs

    def _is_behind(self, trial: FrozenTrial, others: list[FrozenTrial], rung: int) -> bool:
        own, *values = (value for one in (trial, *others) for value in _value_at(one, rung))
        passing = max(1, (1 + len(values)) // self._reduction)
        return own < sorted((own, *values), reverse=True)[passing - 1]


def _value_at(trial: FrozenTrial, rung: int) -> list[float]:
    """Return the first value reported at or after a rung, or nothing."""
    epochs = [epoch for epoch in trial.intermediate_values if epoch >= rung]
    return [trial.intermediate_values[min(epochs)]] if epochs else []
