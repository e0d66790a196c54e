"""Ends what Ray leaves behind where the driver of a local cluster was killed.

Ray's processes see that the driver is gone, and end; but its two agents then try for a minute to
tell a head that is gone too. So the driver has a companion, which waits for the driver's end, gives
Ray some seconds, and ends the rest.
"""

import os
import re
import sys
import time
from collections.abc import Callable
from contextlib import suppress

import psutil

from fckd.sweep.companion import wait_for_the_end_of

GRACE_SECONDS = 5.0
"""For Ray's own way to end, and again between asking a process to end and killing it."""


def wait_and_end(driver: int) -> None:
    """Wait until the process `driver`, the parent of this one, is gone; then end its cluster."""
    wait_for_the_end_of(driver)
    gone_at = time.time()
    time.sleep(GRACE_SECONDS)
    survivors = [each for each in psutil.process_iter() if _is_of(each, driver, gone_at)]
    for survivor in survivors:
        _send(survivor.terminate)
    for survivor in psutil.wait_procs(survivors, timeout=GRACE_SECONDS)[1]:
        _send(survivor.kill)


def _is_of(process: psutil.Process, driver: int, gone_at: float) -> bool:
    """Whether the process writes to the folder of the driver's session, whose name ends with it."""
    session = re.compile(rf"/session_[\d_-]+_{driver}/")
    try:
        if process.uids().real != os.getuid() or process.create_time() > gone_at:
            return False
        return any(session.search(file.path) for file in process.open_files())
    except psutil.Error:
        return False


def _send(signal: Callable[[], None]) -> None:
    with suppress(psutil.NoSuchProcess):
        signal()


if __name__ == "__main__":
    wait_and_end(int(sys.argv[1]))
