"""What the tracker ships to."""

from collections.abc import Callable
from typing import Protocol

from fckd.events import Event


class Refused(Exception):  # noqa: N818 - it names an answer, as StopIteration does
    """This one event can never be taken; trying it again later would not help."""


class Sink(Protocol):
    """Takes events in order. The same event twice must do no harm."""

    def __call__(self, event: Event) -> None:
        """Take `event`, or raise: `Refused` for good, anything else for now."""


MakeSink = Callable[[], Sink]
"""Connects to the sink; raises while it cannot be reached."""
