"""A driver that is killed leaves nothing on a cluster that lives on."""

import os
import subprocess
import sys

import pytest

from tests.chaos.cluster import running_cluster

pytestmark = pytest.mark.ray

DRIVER = """
import time
import ray
from fckd.config.campaign import ExecutionSettings
from fckd.sweep.cluster import connection
from ray.train.v2._internal.execution.controller.placement_group_cleaner import (
    PlacementGroupCleaner,
)
with connection(ExecutionSettings()):
    cleaner = ray.remote(num_cpus=0)(PlacementGroupCleaner).options(lifetime="detached")
    cleaner = cleaner.remote("nobody", 1.0, 1.0, 1.0)
    ray.get(cleaner._is_placement_group_removed.remote(None))
    print("ready", flush=True)
    time.sleep(600)
"""


def test_a_cleaner_that_was_never_told_to_begin_is_ended():
    with running_cluster(head=1) as cluster:
        with subprocess.Popen(
            [sys.executable, "-c", DRIVER],
            env={**os.environ, **cluster.environment, "RAY_ADDRESS": cluster.address},
            stdout=subprocess.PIPE,
            text=True,
        ) as driver:
            try:
                assert "ready\n" in iter(driver.stdout.readline, "")
            finally:
                driver.kill()
        assert cluster.held() == {}
