"""No trial carries credentials; tests/ray/test_s3.py searches all files of a sweep for them."""

from ray.tune.execution import class_cache

from fckd.sweep.discretion import CREDENTIALS, keep_credentials


class Trial:
    pass


def test_a_trial_carries_no_credentials(monkeypatch):
    for name in CREDENTIALS:
        monkeypatch.setenv(name, "secret")
    monkeypatch.setenv("RAY_CHDIR_TO_TRIAL_DIR", "0")
    keep_credentials()
    actor = class_cache._ActorClassCache().get(Trial)
    carried = actor._default_options["runtime_env"]["env_vars"]
    assert "secret" not in carried.values()
    assert carried["RAY_CHDIR_TO_TRIAL_DIR"] == "0"
