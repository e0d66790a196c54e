"""What a campaign has spent: device-hours, counted from allocation to release.

A device is a GPU where workers have GPUs, else a CPU. Teachers, lessons, failed and repeated
attempts and the confirmation all count, and so does the time in which a group starts or waits for
work; what earlier drivers of the same campaign spent counts too.
"""

import time
from collections import deque
from collections.abc import Callable
from statistics import median
from threading import Lock

from fckd.config.campaign import ExecutionSettings
from fckd.errors import Stopped

HOUR = 3600.0
RECENT = 1000
"""What an epoch takes is learnt from so many, the last ones: a search that comes to prefer dearer
trials confirms such, and a week of epochs need not be remembered."""


def devices_of(execution: ExecutionSettings, workers: int) -> float:
    """Return how many devices so many workers hold."""
    each = execution.gpus_per_worker or execution.cpus_per_worker
    return workers * each


def unit_of(execution: ExecutionSettings) -> str:
    """Return what is counted: `GPU-hours` or `CPU-hours`."""
    return "GPU-hours" if execution.gpus_per_worker else "CPU-hours"


class Account:
    """Counts device-hours; safe to call from any thread.

    Args:
        limit: Device-hours that may be spent; None for any number.
        earlier: Device-hours that earlier drivers spent.
        clock: Seconds.
    """

    def __init__(
        self,
        limit: float | None = None,
        earlier: float = 0.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.limit, self._earlier, self._clock = limit, earlier, clock
        self._released = 0.0
        self._held: dict[str, tuple[float, float]] = {}
        self._recent: deque[float] = deque(maxlen=RECENT)
        self._measured = 0
        self._reserved_epochs, self._after = 0.0, 1
        self._lock = Lock()

    def allocate(self, name: str, devices: float) -> None:
        """Begin to count `devices` under a name; one that is held already is not counted twice."""
        with self._lock:
            self._held.setdefault(name, (self._clock(), devices))

    def release(self, name: str) -> None:
        """Count no further what was allocated under a name."""
        with self._lock:
            since, devices = self._held.pop(name, (self._clock(), 0.0))
            self._released += (self._clock() - since) * devices

    def measure(self, seconds: float, devices: float) -> None:
        """Learn what an epoch takes."""
        with self._lock:
            self._measured += 1
            self._recent.append(seconds * devices)

    def reserve(self, epochs: float, after: int = 1) -> None:
        """Keep back what so many epochs will take, by the median of those measured.

        The first ones wait for compilers and cold files, and trials differ.

        Args:
            epochs: To keep back; 0 for nothing.
            after: Nothing is kept back before so many were measured, one at least.
        """
        with self._lock:
            self._reserved_epochs, self._after = epochs, max(after, 1)

    @property
    def own(self) -> float:
        """Device-hours that this driver has spent."""
        with self._lock:
            now = self._clock()
            held = sum((now - since) * devices for since, devices in self._held.values())
            return (self._released + held) / HOUR

    @property
    def spent(self) -> float:
        """Device-hours that all drivers of the campaign have spent."""
        return self._earlier + self.own

    @property
    def reserved(self) -> float:
        """Device-hours that are kept back."""
        with self._lock:
            if not self._reserved_epochs or self._measured < self._after:
                return 0.0
            return self._reserved_epochs * median(self._recent) / HOUR

    def end(self, done: str) -> Stopped:
        """Return the end of a campaign that has nothing left, with what is done so far."""
        reserved = self.reserved
        kept = f", {reserved:.2f} kept for the confirmation" if reserved else ""
        spent = f"{self.spent:.2f} of {self.limit or 0:g} are spent{kept}"
        return Stopped(
            None,
            f"budget.device_hours: {spent}; {done}\n"
            "  to do:    raise budget.device_hours and run the same command again: it goes on here",
        )

    @property
    def exhausted(self) -> bool:
        """Whether nothing more may be spent but what is kept back."""
        return self.limit is not None and self.spent + self.reserved >= self.limit
