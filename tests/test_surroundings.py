"""Tests say the same wherever they are run."""

import os

from tests.surroundings import FIXED, make_the_same_everywhere

CALLER = {"PATH": "/bin", "FCKD_DATA": "/data", "FCKD_CHAOS_SEED": "3", "http_proxy": "http://p:1"}


def test_neither_the_callers_terminal_nor_its_servers_are_seen_by_tests():
    environment = {
        **CALLER,
        "FORCE_COLOR": "1", "GITHUB_ACTIONS": "true", "COLUMNS": "40", "no_proxy": "example.org",
        "FCKD_STORAGE": "s3://theirs", "RAY_ADDRESS": "head:6379", "AWS_PROFILE": "work",
        "MLFLOW_TRACKING_URI": "http://theirs", "PGHOST": "db",
    }  # fmt: skip
    make_the_same_everywhere(environment)
    assert environment == {**CALLER, **FIXED}


def test_this_run_has_such_surroundings():
    assert FIXED.items() <= os.environ.items()
