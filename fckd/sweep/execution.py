"""Running a phase on Ray Tune."""

import time
from pathlib import Path

from ray import tune

from fckd.events import Listener
from fckd.sweep.account import devices_of
from fckd.sweep.cluster import PROXY
from fckd.sweep.discretion import keep_credentials
from fckd.sweep.forgetting import Forgetting
from fckd.sweep.groups import Ground
from fckd.sweep.leader import Leader
from fckd.sweep.phases import Phase
from fckd.sweep.proxy import follow
from fckd.sweep.searcher import LedgerSearcher


def execute(
    phase: Phase,
    ground: Ground,
    listener: Listener,
    classes: tuple[str, ...],
    leader: Leader,
    minutes: float | None = None,
) -> None:
    """Run every trial that the phase's ledger still asks for; blocks until they have ended.

    Args:
        phase: Search or confirmation.
        ground: Where the worker groups work.
        listener: Hears of every start, epoch and end.
        classes: Names of the classes.
        leader: Says how many trials may run, and when to end.
        minutes: No trial is started later than this.

    Raises:
        Stopped: The leader ended it, or the budget is spent before a confirmation is complete;
            what ran is back in the queue.
    """
    leader.check()
    leader.enter(phase, minutes)
    deadline = None if minutes is None else time.monotonic() + 60 * minutes
    devices = devices_of(ground.execution, ground.execution.workers)
    searcher = LedgerSearcher(
        phase,
        ground.broker,
        listener,
        classes,
        deadline,
        leader,
        devices,
        each_its_own=ground.execution.isolation == "trial",
    )
    keep_credentials()
    tuner = tune.Tuner(
        tune.with_resources(
            tune.with_parameters(follow, ground=ground), tune.PlacementGroupFactory([PROXY])
        ),
        tune_config=tune.TuneConfig(
            search_alg=searcher,
            num_samples=-1,
            reuse_actors=True,
            trial_dirname_creator=lambda trial: str(trial.trial_id),
        ),
        run_config=tune.RunConfig(
            name=f"{phase.name}-{time.time_ns()}",
            storage_path=str(Path(ground.sweep_folder) / "tune"),
            failure_config=tune.FailureConfig(max_failures=ground.execution.retries),
            checkpoint_config=tune.CheckpointConfig(num_to_keep=1),
            callbacks=[Forgetting()],
            verbose=0,
        ),
    )
    try:
        tuner.fit()
    finally:
        searcher.release()
    leader.check()
    done, planned = phase.done, phase.ledger.planned
    if done < planned and leader.account.exhausted and not phase.is_search:
        raise leader.account.end(f"{done} of {planned} runs of the {phase.name} are done")
