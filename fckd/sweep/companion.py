"""A small process beside the driver that outlives it, and tidies up where the driver was killed."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

LOOK_SECONDS = 0.5

SUBMITTED = "RAY_JOB_CONFIG_JSON_ENV_VAR"
"""Ray sets it in the driver of a submitted job, and so in its companion too."""


@contextmanager
def companion(module: str, *words: str) -> Iterator[None]:
    """Run `module` with this process's number and `words`; end it with the block.

    If this process is killed within the block, the companion goes on by itself.
    """
    command = [sys.executable, "-m", module, str(os.getpid()), *words]
    # In a session of its own: what ends a terminal's processes must not end the companion first.
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)  # noqa: S603
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def wait_for_the_end_of(driver: int) -> None:
    """Wait until the process `driver`, the parent of this one, is gone."""
    while os.getppid() == driver:
        time.sleep(LOOK_SECONDS)
