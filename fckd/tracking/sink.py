"""What the tracker ships to."""

from collections.abc import Callable, Sequence
from typing import Protocol

from fckd.events import Event


class Refused(Exception):  # noqa: N818 - it names an answer, as StopIteration does
    """An event can never be taken; trying it again later would not help."""


class Sink(Protocol):
    """Takes events in order. The same event twice must do no harm."""

    def __call__(self, events: Sequence[Event]) -> None:
        """Take `events`, or raise: `Refused` if one is refused for good, anything else for now.

        Those before the one that failed may have been taken.
        """


MakeSink = Callable[[], Sink]
"""Connects to the sink; raises while it cannot be reached."""
