"""What a Tune trial keeps once it has ended."""

from ray.tune.callback import CallbackList
from ray.tune.experiment import Trial

from fckd.sweep.forgetting import Forgetting


def test_a_trial_that_has_ended_keeps_nothing_of_what_it_reported():
    trial = Trial("follow", stub=True)
    trial.update_last_result({"messages": "[]", "training_iteration": 1, "accuracy": 0.5})
    assert trial.run_metadata.metric_analysis
    told = CallbackList([Forgetting()])
    told.on_trial_complete(iteration=1, trials=[trial], trial=trial)
    assert trial.metric_analysis == trial.metric_n_steps == {}
