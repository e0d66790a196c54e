"""Running a phase on Ray Tune."""

import time
from pathlib import Path

from ray import tune

from fckd.events import Listener
from fckd.sweep.groups import Ground
from fckd.sweep.phases import Phase
from fckd.sweep.proxy import follow
from fckd.sweep.searcher import LedgerSearcher

PROXY_CPU = 0.01


def execute(
    phase: Phase,
    ground: Ground,
    listener: Listener,
    classes: tuple[str, ...],
    minutes: float | None = None,
) -> None:
    """Run every trial that the phase's ledger still asks for; blocks until they have ended.

    Args:
        phase: Search or confirmation.
        ground: Where the worker groups work.
        listener: Hears of every start, epoch and end.
        classes: Names of the classes.
        minutes: No trial is started later than this.
    """
    deadline = None if minutes is None else time.monotonic() + 60 * minutes
    searcher = LedgerSearcher(phase, ground.broker, listener, classes, deadline)
    tune.Tuner(
        tune.with_resources(tune.with_parameters(follow, ground=ground), {"CPU": PROXY_CPU}),
        tune_config=tune.TuneConfig(
            search_alg=searcher,
            num_samples=-1,
            max_concurrent_trials=ground.execution.groups,
            reuse_actors=True,
            trial_dirname_creator=lambda trial: str(trial.trial_id),
        ),
        run_config=tune.RunConfig(
            name=f"{phase.name}-{time.time_ns()}",
            storage_path=str(Path(ground.sweep_folder) / "tune"),
            failure_config=tune.FailureConfig(max_failures=ground.execution.retries),
            checkpoint_config=tune.CheckpointConfig(num_to_keep=1),
            verbose=0,
        ),
    ).fit()
