"""What arms × seeds × protocols scored, and which of them are lost."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from optuna.trial import FrozenTrial, TrialState

from fckd.sweep.ledger import KEY, REASON
from fckd.sweep.phases import Repetitions, Run
from fckd.train.task import Outcome, read_outcome

Scores = Mapping[int, float]
"""Seed -> accuracy."""


class Scoreboard:
    """What was asked for now; an earlier confirmation may have had more seeds.

    A seed of an arm counts only if its runs under all protocols were finished; its score is their
    mean.

    Args:
        runs: After its trials have ended.
    """

    def __init__(self, runs: Repetitions) -> None:
        self.runs = runs
        ended = {str(trial.user_attrs[KEY]): trial for trial in runs.ledger.ended}
        self._ended = {run: ended[key] for run, key in runs.keys.items() if key in ended}
        self._finished = {
            run: _value(trial)
            for run, trial in self._ended.items()
            if trial.state is TrialState.COMPLETE
        }

    def of_arm(self, arm: str) -> Scores:
        """Return the score of every seed that counts: the mean over protocols."""
        return {
            seed: float(np.mean([self._finished[run] for run in self._runs(arm, seed)]))
            for seed in self._seeds(arm)
            if not self._lacking(arm, seed)
        }

    def of_protocol(self, arm: str, protocol: str) -> Scores:
        """Return the score under one protocol, of every seed that counts."""
        return {seed: self._finished[Run(arm, seed, protocol)] for seed in self.of_arm(arm)}

    def confusion(self, arm: str) -> list[list[int]]:
        """Return the confusion table, summed over the seeds that count and all protocols."""
        tables = [
            np.array(self._outcome(run).confusion)
            for seed in self.of_arm(arm)
            for run in self._runs(arm, seed)
        ]
        summed: list[list[int]] = np.sum(tables, axis=0).tolist()
        return summed

    def in_parts(self) -> list[tuple[Run, int]]:
        """Return the runs that count and were retried in smaller parts, with the parts' size.

        Only those that batch normalisation makes other trainings than the arm describes.
        """
        found = []
        for arm in self.runs.arms:
            experiment = arm.experiment
            if experiment.student.normalization != "batch":
                continue
            for seed in self.of_arm(arm.name):
                for run in self._runs(arm.name, seed):
                    parts = self._outcome(run).micro_batch
                    if parts is not None and parts != experiment.training.micro_batch:
                        found.append((run, parts))
        return found

    def failed(self) -> list[dict[str, Any]]:
        """Return the runs that failed, with their reasons."""
        return [
            {**_named(run), "reason": trial.user_attrs.get(REASON, "")}
            for run, trial in self._ended.items()
            if trial.state is not TrialState.COMPLETE
        ]

    def incomplete(self) -> list[dict[str, Any]]:
        """Return the seeds that do not count for want of some protocols, and these protocols."""
        found = []
        for arm in self.runs.arms:
            for seed in self._seeds(arm.name):
                lacking = self._lacking(arm.name, seed)
                if 0 < len(lacking) < len(self.runs.protocols):
                    names = [run.protocol for run in lacking]
                    found.append({"arm": arm.name, "seed": seed, "missing": names})
        return found

    def _outcome(self, run: Run) -> Outcome:
        return read_outcome(self.runs.place(self.runs.keys[run]))

    def _runs(self, arm: str, seed: int) -> Sequence[Run]:
        return [Run(arm, seed, protocol) for protocol in self.runs.protocols or (None,)]

    def _lacking(self, arm: str, seed: int) -> list[Run]:
        return [run for run in self._runs(arm, seed) if run not in self._finished]

    def _seeds(self, arm: str) -> list[int]:
        return sorted({run.seed for run in self.runs.keys if run.arm == arm})


def _named(run: Run) -> dict[str, Any]:
    named: dict[str, Any] = {"arm": run.arm, "seed": run.seed}
    return named if run.protocol is None else {**named, "protocol": run.protocol}


def _value(trial: FrozenTrial) -> float:
    if trial.value is None:
        raise ValueError(f"trial {trial.number} is complete but has no value")
    return trial.value
