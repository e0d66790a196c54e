"""Ray Tune keeps all that it ever knew of each trial; here what has ended is forgotten.

The ledger is the only truth, and Tune is never restored: statistics of every metric would only add
up over thousands of trials.
"""

from typing import Any

from ray import tune
from ray.tune.experiment import Trial


class Forgetting(tune.Callback):  # type: ignore[misc]
    """Empties trials that have ended."""

    def on_trial_complete(self, trial: Trial, **_: Any) -> None:
        """Forget what a trial reported."""
        # Ray has no setting for it.
        known = trial.run_metadata
        known.metric_analysis, known.metric_n_steps = {}, {}
